"""Every operation of the JSON API answers as its document says, whatever it is sent.

`make explore` sends much more, and something else each time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from apiflask import APIFlask
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from schemathesis import APIOperation, BaseSchema, Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from tests.projects.conftest import Zebra, services, settings, zebra  # noqa: F401  # a project with one of each kind
from tests.web import places

#: How often each operation is called; the same calls each time, unless somebody asks for more.
EXPLORE = int(os.environ.get("SELFSERVICE_EXPLORE", "0"))
EXAMPLES = EXPLORE or 5
#: Streams do not end (test_stream.py), no executor runs (test_health.py), nor does the worker that tasks are
#: passed on to (tests/worker).
ELSEWHERE = "/stream$|^/healthz$|^/api/v1/tasks"

load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
    ]
)


@pytest.fixture
def document(
    app: APIFlask,
    zebra: Zebra,  # noqa: F811
    make_token: Callable[..., str],
) -> BaseSchema:
    """What the API says of itself to an administrator, whose token every call is sent with."""
    token = make_token()
    places.furnish(app, token)
    headers = {"Authorization": f"Bearer {token}"}
    found = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, headers=headers)
    found.config.update(headers=headers)
    return found.exclude(path_regex=ELSEWHERE)


def test_every_operation_keeps_to_the_document(
    document: BaseSchema,
    zebra: Zebra,  # noqa: F811
    subtests: pytest.Subtests,
) -> None:
    operations = [each.ok() for each in document.get_all_operations()]
    assert len(operations) > 90
    for operation in sorted(operations, key=lambda each: each.method == "delete"):
        with subtests.test(operation.label):
            parts = re.findall("{([^}]+)}", operation.path)
            _call(operation, {part: places.value(operation.path, part, zebra) for part in parts})


def _call(operation: APIOperation, there: dict[str, Any]) -> None:
    """Call it with what fits and what does not, for what is there and what is not. Raises all that was wrong."""
    wrong: dict[str, Exception] = {}
    places: list[dict[str, Any]] = [{}, {"path_parameters": there}] if there else [{}]

    @effort(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=not EXPLORE,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of([operation.as_strategy(mode, **place) for place in places for mode in GenerationMode]))
    def send(case: Case) -> None:
        try:
            case.call_and_validate(checks=CHECKED)
        except FailureGroup as found:
            wrong.update({f"{type(each).__name__}: {each}": each for each in found.exceptions})

    send()
    if wrong:
        raise ExceptionGroup(operation.label, list(wrong.values()))
