"""The audit log: admins read it, page by page, and it forgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from keyed import client_of, make_key
from semblante import audit
from semblante.services import Services
from semblante.tables import AuditEntry


def test_admins_only(services: Services) -> None:
    sender = client_of(services, make_key(services, "ana"))
    admin = client_of(services, make_key(services, "root", "admin"))
    assert sender.get("/api/v1/audit").status_code == 403
    assert sender.get("/audit").status_code == 403
    items = admin.get("/api/v1/audit").get_json()["items"]
    assert [(item["actor"], item["action"]) for item in items] == [
        ("root", "key_use"),
        ("ana", "key_use"),
    ]
    page = admin.get("/audit", headers={"Accept-Language": "es"})
    assert (page.status_code, "usó una clave" in page.text) == (200, True)


def test_pages_of_entries(services: Services) -> None:
    admin = client_of(services, make_key(services, "root", "admin"))
    with services.database.writing() as session:
        for number in range(60):
            audit.record(session, "ana", "192.0.2.1", "submit", f"<b>{number}")
    first = admin.get("/api/v1/audit?limit=40").get_json()
    rest = admin.get(f"/api/v1/audit?limit=40&after={first['next']}").get_json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (40, 21, None)
    page = admin.get("/audit")
    assert "&lt;b&gt;59" in page.text
    assert "after=" in page.text


def test_it_forgets(services: Services) -> None:
    with services.database.writing() as session:
        for _ in range(2):
            audit.record(session, "ana", "", "submit")
        session.flush()
        entry = audit.newest(session)[0]
        entry.at = datetime.now(UTC) - timedelta(days=11)
        session.flush()
        audit.forget_old(session, 10)
        assert session.query(AuditEntry).count() == 1
