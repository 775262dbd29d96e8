"""The API against its own description: what may be sent, and what must not, to each operation.

`bin/schemathesis 500` sends 500 requests of each kind; another seed is its second argument.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode, SerializationContext
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from keyed import changed
from semblante import uploads
from semblante.services import Services
from semblante.tables import Job
from semblante_web import tus
from semblante_web.app import create_app

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "4"))
SEED = int(os.environ.get("SCHEMATHESIS_SEED", "7"))
PARTS = 4
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES = {
    GenerationMode.POSITIVE: CHECKS,
    GenerationMode.NEGATIVE: [*CHECKS, negative_data_rejection],
}
CONFIG = schemathesis.Config.from_dict(
    # Those that it knows, and the protocol tus's own: 412, 413, 460.
    {"checks": {"negative_data_rejection": {"expected-statuses": ["4XX", "5XX"]}}}
)
UNREADY = {"isReady"}
"""Its 503 is an answer; it takes 2 s without a worker."""


@schemathesis.serializer(tus.CONTENT_TYPE)
def _bytes_of(_context: SerializationContext, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_as_described(
    services: Services, finished_job: Job, open_job: Job, part: int
) -> None:
    # One thread: nobody may wait for a job. Few seconds for what is fetched from made-up names.
    quick = changed(services, web_threads=1, url_seconds=0.5, predict_timeout_seconds=5)
    app = create_app(quick.settings, quick)
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, config=CONFIG)
    with services.database.writing() as session:
        upload = uploads.begin(session, "half.zip", 1000)
    known = {
        "job_id": [finished_job.id, open_job.id],
        "other_id": [finished_job.id],
        "upload_id": [upload.id, finished_job.upload_id],
        "name": ["resnet18-raf7"],
    }
    results = list(schema.get_all_operations())
    assert all(isinstance(result, Ok) for result in results)
    found = [result.ok() for result in results if isinstance(result, Ok)]
    found = [one for one in found if one.definition.raw["operationId"] not in UNREADY]
    # What deletes comes last: the others need what it deletes.
    found.sort(key=lambda one: (one.method == "delete", one.label))
    assert len(found) > 35
    for operation in found[part::PARTS]:
        for mode, checks in MODES.items():
            _try(operation, mode, checks, known)


def _try(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    checks: list[Any],
    known: dict[str, list[str]],
) -> None:
    """Send requests of a kind to an operation; half of them name what there is."""

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), number=st.integers(0, 2**16))
    def send(case: Case[Any], number: int) -> None:
        dice = random.Random(number)
        if mode is GenerationMode.POSITIVE and dice.random() < 0.7:
            for name in {*case.path_parameters} & {*known}:
                case.path_parameters[name] = dice.choice(known[name])
        case.call_and_validate(checks=checks)

    try:
        send()
    except Unsatisfiable:  # no wrong request: every text is an id
        assert mode is GenerationMode.NEGATIVE
