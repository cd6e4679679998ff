"""Whatever our own OpenAPI document allows, and what it does not: no accident, and every refusal is a problem."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.attacks.conftest import HOST, Install, Installation, fill
from tests.conftest import DIALECTS

LEFT_ALONE = {
    *("/api/v1/session", "/api/v1/sessions/{session}", "/api/v1/me/password", "/api/v1/members/{member}"),
    "/api/v1/members/{member}/second-factor",  # ends the sessions of whoever it is
}
EXAMPLES = {"sqlite": 5, "postgresql": 1}  # of each operation
TAKES_PLAIN_JSON = ("post", "put", "patch")
KEYS = (
    *("values", "version", "record", "record_version", "comment", "target", "owner", "action", "ids", "filter"),
    *("expected_count", "document", "number", "accept_losses", "consent", "patch", "operations", "name"),
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8) | st.sampled_from(["²", "1" * 30]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=5,
)
bodies = st.dictionaries(st.sampled_from(KEYS), anything, max_size=4) | anything


@pytest.fixture(scope="module", params=DIALECTS)
def fuzzed(request: pytest.FixtureRequest, install: Install) -> Installation:
    made = install(request.param)
    fill(made)
    return made


@pytest.mark.parametrize("who", ["sam", "ada"])
def test_no_request_that_can_be_made_up_is_an_accident(fuzzed: Installation, who: str) -> None:
    document = fuzzed.browser(who).get("/api/v1/openapi.json").json()
    wrong: list[str] = []
    for operation in _operations(document):
        wrong += _ask(fuzzed, who, operation)
    assert not wrong, "\n".join(wrong[:30])


def _operations(document: dict[str, Any]) -> Iterator[Any]:
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        if operation.path not in LEFT_ALONE:
            yield operation


def _ask(fuzzed: Installation, who: str, operation: Any) -> list[str]:
    wrong: list[str] = []
    places = _places(fuzzed, operation.path)

    @settings(
        max_examples=EXAMPLES[fuzzed.dialect],
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), body=bodies, chosen=st.lists(st.integers(0, 7), min_size=4, max_size=4))
    def ask(case: Any, body: Any, chosen: list[int]) -> None:
        for (name, known), index in zip(places.items(), chosen, strict=False):
            if name in (case.path_parameters or {}) and index:
                case.path_parameters[name] = known[index % len(known)]
        request = case.as_transport_kwargs(base_url=HOST)
        request.pop("cookies", None)
        request["headers"] = {
            name: value for name, value in dict(request["headers"]).items() if name.lower() != "authorization"
        }
        if operation.method in TAKES_PLAIN_JSON and not request.keys() & {"json", "data", "files", "content"}:
            request["json"] = body
        answer = fuzzed.browser(who).request(**request)
        if answer.status_code >= 500:
            wrong.append(f"{operation.method} {request} {answer.status_code}")
        elif answer.status_code >= 400 and answer.headers["content-type"] != "application/problem+json":
            wrong.append(f"{operation.method} {request['url']} {answer.headers['content-type']}")

    ask()
    return wrong


def _places(fuzzed: Installation, path: str) -> dict[str, list[str]]:
    """Names and ids that lead somewhere, so that most requests get past the first door."""
    app = fuzzed.app
    tasks = [str(each) for each in fuzzed.tasks.values()]
    instances = [str(each) for each in fuzzed.instances()]
    ids = tasks if "/tasks/" in path else instances if "/instances/" in path else [fuzzed.id("sam_draft")]
    return {
        "app": ["crm"],
        "form": ["contract"],
        "id": [*ids, "9223372036854775808", "²"],
        "operation": ["approve", "reject", "return", "comment", "read"],
        "report": [each.name for each in app.reports.reports.values()],
        "dashboard": ["sales"],
        "flow": [each.name for each in app.flows.values()],
        "rule": [each.name for each in app.rules],
        "file": list(fuzzed.files.values()),
        "role": list(app.role_ids),
        "member": [str(each) for each in fuzzed.people.values()],
        "number": ["1", "2"],
    }
