"""Messages: told in English or another language, and kept with their values."""

from __future__ import annotations

from sqlalchemy import text

from factory import submit
from semblante import jobs
from semblante.errors import NotFound
from semblante.message import Message
from semblante.services import Services

SPANISH = {
    "No %(what)s in %(place)r, %(share).1f%%.": "En %(place)r no hay %(what)s, %(share).1f%%.",
    "image": "imagen",
}
NESTED = Message(
    "No %(what)s in %(place)r, %(share).1f%%.", what=Message("image"), place="a", share=0.25
)


def test_values_are_filled_in_and_messages_among_them_are_told_too() -> None:
    assert str(NESTED) == "No image in 'a', 0.2%."
    assert NESTED.told(SPANISH.__getitem__) == "En 'a' no hay imagen, 0.2%."


def test_a_text_without_values_may_have_any_sign() -> None:
    assert str(Message("100% of %(x)s")) == "100% of %(x)s"


def test_json_keeps_all() -> None:
    kept = Message.from_json(NESTED.to_json())
    assert kept.told(SPANISH.__getitem__) == NESTED.told(SPANISH.__getitem__)


def test_an_error_is_english_for_logs_and_keeps_what_it_says() -> None:
    error = NotFound("job_not_found", "There is no job %(job_id)s.", job_id=7)
    assert (str(error), error.message) == ("There is no job 7.", "There is no job 7.")
    assert (
        error.said.told({"There is no job %(job_id)s.": "%(job_id)s falta"}.__getitem__)
        == "7 falta"
    )


def test_rows_keep_messages_and_give_plain_text_of_former_versions(services: Services) -> None:
    job = submit(services, b"x")
    with services.database.writing() as session:
        jobs.fail(session, jobs.get(session, job.id), "corrupt_archive", NESTED)
    with services.database.writing() as session:
        found = jobs.get(session, job.id).error_detail
        assert found is not None
        assert found.told(SPANISH.__getitem__) == NESTED.told(SPANISH.__getitem__)
        session.execute(text("UPDATE jobs SET error_detail = '100% gone (%(x)s)'"))
    with services.database.reading() as session:
        assert str(jobs.get(session, job.id).error_detail) == "100% gone (%(x)s)"
