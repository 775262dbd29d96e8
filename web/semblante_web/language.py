"""Which language a page has: `?lang=`, then the cookie it set, then what the browser prefers."""

from __future__ import annotations

from flask import Flask, Response, g, request
from flask_babel import Babel, get_locale

from semblante.emotions import LANGUAGES, Language

COOKIE = "lang"
YEAR_SECONDS = 365 * 24 * 3600
NAMES: dict[Language, str] = {"en": "English", "es": "Español"}


def register_language(app: Flask) -> None:
    """Give the pages of `app` their language."""
    Babel(app, locale_selector=choose_language)
    app.after_request(_remember)
    app.context_processor(lambda: {"language": language(), "language_names": NAMES})


def choose_language() -> Language:
    """Return the language for the request at hand."""
    for code in LANGUAGES:
        if request.args.get("lang") == code:
            return code
    for code in LANGUAGES:
        if request.cookies.get(COOKIE) == code:
            return code
    # Not `best_match`: for `es-MX, en;q=0.5` it prefers English.
    for tag, quality in request.accept_languages:
        for code in LANGUAGES:
            if quality and tag.lower().partition("-")[0] == code:
                return code
    return "en"


def language() -> Language:
    """Return the language in force: of the request at hand, which a page asks hundreds of times."""
    if "language" not in g:
        locale = get_locale()
        g.language = "es" if locale is not None and locale.language == "es" else "en"
    found: Language = g.language
    return found


def _remember(response: Response) -> Response:
    chosen = request.args.get("lang")
    is_page = response.mimetype == "text/html"
    if is_page:
        response.vary.update(("Accept-Language", "Cookie"))
    if is_page and chosen in LANGUAGES and request.cookies.get(COOKIE) != chosen:
        response.set_cookie(COOKIE, chosen, max_age=YEAR_SECONDS, httponly=True, samesite="Lax")
    return response
