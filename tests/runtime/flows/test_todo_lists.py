"""What lists of to-dos tell: the most urgent first, of one flow if wanted, with what a glance needs of the record."""

import pytest
from starlette.testclient import TestClient

from runtime.flows import tasks
from runtime.flows.tasks import FlowCount
from runtime.server import create_app


def test_what_has_a_due_date_comes_first_and_then_what_waits_longest(department) -> None:
    department.submit(department.contract(title="first"))
    department.pass_time(hours=1)
    department.submit(department.contract(title="special"))
    department.pass_time(hours=1)
    department.submit(department.contract(title="third"))

    with department.reading("dan") as (tx, _):
        orders = {order: _labels(tasks.tasks(tx, "todo", order=order)) for order in ("oldest", "urgent", "newest")}

    assert orders["oldest"] == ["first", "special", "third"]
    assert orders["newest"] == ["third", "special", "first"]
    assert orders["urgent"] == ["first", "special", "third"]


def test_a_list_can_be_narrowed_to_one_flow_and_says_which_there_are(department) -> None:
    department.submit(department.contract(title="plain"))
    department.submit(department.contract(title="special"))

    with department.reading("dan") as (tx, app):
        counted = tasks.flows_in(tx, "todo")
        narrowed = {each.flow: _labels(tasks.tasks(tx, "todo", flow=each.flow)) for each in counted}

    assert all(isinstance(each, FlowCount) and each.count == 1 for each in counted)
    assert sorted(narrowed.values()) == [["plain"], ["special"]]


@pytest.mark.parametrize(("language", "waiting"), [("en", "waiting for 3 d"), ("zh", "已等待 3 天")])
def test_a_line_tells_the_amount_and_how_long_it_has_waited(department, language: str, waiting: str) -> None:
    department.submit(department.contract(title="plain", amount=12_345))
    department.pass_time(days=3)

    page = _page(department, "dan", "/todo", language)

    assert "12,345.00" in page
    assert waiting in page


def test_a_line_tells_nothing_that_the_task_hides(department) -> None:
    department.submit(department.contract(title="plain", amount=80_000, margin=31415926.5))
    department.decide("dan")

    page = _page(department, "lea", "/todo", "en")

    assert "80,000.00" in page
    assert not any(hidden in page for hidden in ("31415926", "31,415,926"))


def _labels(lines: tasks.Lines) -> list[str]:
    return [each.label for each in lines.items]


def _page(department, name: str, path: str, language: str) -> str:
    from runtime import identity, transaction
    from runtime.identity import sessions

    with transaction.begin(department.services, identity.NOBODY) as tx:
        token = sessions.open_session(tx, department.people[name], "127.0.0.1", "test", remember=False).token
    app = create_app(department.services.settings, department.services)
    with TestClient(app, base_url="http://127.0.0.1:8000", cookies={"fourfold": token, "language": language}) as client:
        answer = client.get(path)
    assert answer.status_code == 200
    return answer.text
