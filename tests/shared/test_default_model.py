"""The default model: chosen in the database, else that of the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bundle_factory import write_bundle
from semblante import registry
from semblante.bundle_import import import_bundle
from semblante.default_model import (
    choose,
    default_reference,
    forget_missing_default,
    reset_default,
    set_default,
)
from semblante.errors import NotFound
from semblante.services import Services


def take(services: Services, folder: Path, **changes: Any) -> str:
    source = write_bundle(folder, **changes)
    return import_bundle(services.database, services.storage, source).reference


def default(services: Services) -> str | None:
    with services.database.reading() as session:
        return default_reference(session, services.settings)


def set_to(services: Services, name: str) -> str:
    with services.database.writing() as session:
        return set_default(session, name).reference


def test_the_setting_decides_until_somebody_chooses(services: Services, tmp_path: Path) -> None:
    shipped = default(services)
    assert shipped is not None
    assert shipped.startswith(services.settings.model + "@")
    mine = take(services, tmp_path / "1")
    assert default(services) == shipped
    assert set_to(services, "mine") == mine == default(services)
    with services.database.reading() as session:
        assert choose(session, services.settings, "resnet18-raf7").card.name == "resnet18-raf7"
    with services.database.writing() as session:
        reset_default(session)
        reset_default(session)
    assert default(services) == shipped


def test_a_name_follows_its_imports_and_a_reference_stays(
    services: Services, tmp_path: Path
) -> None:
    first = take(services, tmp_path / "1", version="1")
    set_to(services, "mine")
    second = take(services, tmp_path / "2", version="2")
    assert default(services) == second
    set_to(services, first)
    take(services, tmp_path / "3", version="3")
    assert default(services) == first


def test_an_unknown_default_is_refused(services: Services) -> None:
    with pytest.raises(NotFound, match="No model is called 'nobody'"):
        set_to(services, "nobody")


def test_a_removed_default_gives_way_for_good(services: Services, tmp_path: Path) -> None:
    shipped = default(services)
    first = take(services, tmp_path / "1", version="1")
    take(services, tmp_path / "2", version="2")
    set_to(services, "mine")
    with services.database.writing() as session:
        registry.remove(session, "mine")
    assert default(services) == shipped
    with services.database.writing() as session:
        forget_missing_default(session)
    import_bundle(services.database, services.storage, tmp_path / "1")
    assert default(services) == shipped
    assert set_to(services, first) == first


def test_a_setting_that_names_no_model_gives_none(services: Services) -> None:
    settings = services.settings.model_copy(update={"model": "nobody"})
    with services.database.reading() as session:
        assert default_reference(session, settings) is None
