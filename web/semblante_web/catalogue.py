"""The pages' translations: gathers all messages and keeps the catalogues in step with them.

Run `python -m semblante_web.catalogue` after a message has changed, translate what it names in
`translations/<language>/LC_MESSAGES/messages.po`, and run it again.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from semblante.errors import ERROR_CODES
from semblante_web.card_texts import shipped_texts
from semblante_web.error_texts import error_texts

PACKAGE = Path(__file__).parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
LANGUAGES = ("es",)
PLACES = re.compile(r"%\(\w+\)[a-z]|\{\w+\}")
"""Where values are filled in."""
LETTERS = re.compile(r"[^\W\d_]")


def template() -> Catalog:
    """Return all messages of the code, the templates and the errors, untranslated."""
    catalog = Catalog(project="Semblante", charset="utf-8")
    found = extract_from_dir(PACKAGE, METHODS, keywords=KEYWORDS)
    for file, _line, message, comments, context in sorted(found, key=lambda item: str(item[2])):
        catalog.add(message, None, [(file, 0)], auto_comments=comments, context=context)
    for code, text in ERROR_CODES.items():
        catalog.add(text, None, [(f"error code {code}", 0)])
    for name, text in shipped_texts():
        catalog.add(text, None, [(f"card of {name}", 0)])
    for place, words in error_texts():
        if words is not None and LETTERS.search(PLACES.sub("", words)):
            catalog.add(words, None, [(place.partition(":")[0], 0)])
    return catalog


def po_path(language: str) -> Path:
    """Return the file that translators edit."""
    return PACKAGE / "translations" / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """Return the catalogue of a language as it is on the disk, empty when there is none."""
    path = po_path(language)
    if not path.exists():
        return Catalog(locale=language, project="Semblante")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str) -> Catalog:
    """Return the catalogue of a language with exactly the messages of today."""
    catalog = read(language)
    catalog.update(template(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.fuzzy = False
    return catalog


def untranslated(catalog: Catalog) -> Iterator[Message]:
    """Yield the messages without a translation, or with one to look at again."""
    for message in catalog:
        parts = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
        if message.id and (message.fuzzy or not all(parts)):
            yield message


def compiled(catalog: Catalog) -> bytes:
    """Return the catalogue as the program reads it (GNU .mo)."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def main() -> int:
    """Update and compile all catalogues; say what is not translated."""
    missing = 0
    for language in LANGUAGES:
        catalog = updated(language)
        path = po_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=100, include_lineno=False, sort_output=True)
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        for message in untranslated(catalog):
            missing += 1
            sys.stdout.write(f"{language}: not translated: {message.id}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
