"""Names in stories: a misspelt one is found by the check, and a rename is followed everywhere."""

import copy
from typing import Any

import pytest

from builder_api.checking import Known, check
from engines import compile_app
from metadata.language import Language
from metadata.stories import Step
from runtime import plugins

LANGUAGE = Language(plugins.load())
LEAVE: dict[str, Any] = {
    "app": "leave",
    "roles": ["employee", "boss"],
    "forms": [
        {
            "name": "request",
            "fields": [
                {"name": "days", "type": "number", "decimals": 0},
                {"name": "state", "type": "select", "options": ["draft", "approved"]},
                {"name": "parts", "type": "subform", "fields": [{"name": "part_day", "type": "date"}]},
            ],
        }
    ],
    "flows": [
        {
            "name": "approval",
            "form": "request",
            "nodes": [{"type": "approval", "name": "chief", "approvers": {"role": "boss"}}],
        }
    ],
    "reports": [{"name": "leaves", "form": "request", "measures": [{"name": "total", "sum": "days"}]}],
    "access": [{"role": "employee", "form": "request", "may": ["create", "read", "update", "start_flow"]}],
    "stories": [
        {
            "name": "a leave",
            "people": {"ann": ["employee"], "bo": ["boss"]},
            "steps": [
                {
                    "ann": "saves",
                    "form": "request",
                    "values": {"days": 3, "parts": [{"part_day": "2026-03-02"}]},
                    "as": "leave",
                },
                {"ann": "submits", "record": "leave", "flow": "approval"},
                {"then": "task", "for": "bo", "node": "chief"},
                {"bo": "approves", "task": "chief", "values": {"state": "approved"}},
                {"then": "record", "leave": {"days": 3, "owner": "ann"}},
                {"then": "records", "form": "request", "where": "days > 2 and state == 'approved'", "count": 1},
                {"then": "report", "report": "leaves", "values": {"total": 3}},
            ],
        }
    ],
}


def test_the_story_itself_is_in_order() -> None:
    assert not check(LANGUAGE, LEAVE, Known()).problems


@pytest.mark.parametrize(
    ("place", "wrong", "path", "code", "hint"),
    [
        (4, {"then": "record", "leave": {"dayz": 3}}, "leave/dayz", "unknown_field", "days"),
        (
            0,
            {"ann": "saves", "form": "request", "values": {"dais": 3}, "as": "leave"},
            "values/dais",
            "unknown_field",
            "days",
        ),
        (
            0,
            {"ann": "saves", "form": "request", "values": {"parts": [{"part_dya": "2026-03-02"}]}, "as": "leave"},
            "values/parts/0/part_dya",
            "unknown_field",
            "part_day",
        ),
        (
            3,
            {"bo": "approves", "task": "chief", "values": {"stat": "approved"}},
            "values/stat",
            "unknown_field",
            "state",
        ),
        (2, {"then": "task", "for": "bo", "node": "cheif"}, "node", "unknown_node", "chief"),
        (6, {"then": "report", "report": "leaves", "values": {"totl": 3}}, "values/totl", "unknown_measure", "total"),
    ],
)
def test_a_misspelt_name_is_a_problem_at_its_place(
    place: int, wrong: dict[str, Any], path: str, code: str, hint: str
) -> None:
    document = copy.deepcopy(LEAVE)
    document["stories"][0]["steps"][place] = wrong

    [problem] = check(LANGUAGE, document, Known()).problems

    assert (str(problem.path), problem.code) == (f"/stories/0/steps/{place}/{path}", code)
    assert hint in problem.hint["en"]  # type: ignore[index]


def test_a_rename_is_followed_in_every_step() -> None:
    document = _renamed_from(
        {
            "days": "length",
            "state": "stage",
            "parts": "pieces",
            "part_day": "day",
            "chief": "head",
            "employee": "worker",
        }
    )

    story = document["stories"][0]
    assert story["people"] == {"ann": ["worker"], "bo": ["boss"]}
    assert story["steps"] == [
        {"ann": "saves", "form": "request", "values": {"length": 3, "pieces": [{"day": "2026-03-02"}]}, "as": "leave"},
        {"ann": "submits", "record": "leave", "flow": "approval"},
        {"then": "task", "node": "head", "for": "bo"},
        {"bo": "approves", "values": {"stage": "approved"}, "task": "head"},
        {"then": "record", "leave": {"length": 3, "owner": "ann"}},
        {"then": "records", "form": "request", "count": 1, "where": "length > 2 and stage == 'approved'"},
        {"then": "report", "values": {"total": 3}, "report": "leaves"},
    ]


def test_a_renamed_form_is_followed_too() -> None:
    steps = _renamed_from({"request": "wish"})["stories"][0]["steps"]

    assert [step.get("form") for step in steps] == ["wish", None, None, None, None, "wish", None]


def test_a_node_name_of_two_flows_is_left_as_it_is() -> None:
    document = copy.deepcopy(LEAVE)
    document["flows"].append({**copy.deepcopy(document["flows"][0]), "name": "second"})

    renamed = _renamed_from({"chief": "head"}, document, first_only=True)

    assert renamed["stories"][0]["steps"][2]["node"] == "chief"


def test_the_place_of_values_is_where_they_are_written() -> None:
    looks = Step.model_validate({"then": "record", "leave": {"days": 1}})
    acts = Step.model_validate({"ann": "saves", "record": "leave", "values": {"days": 1}})

    assert (looks.place_of_values, acts.place_of_values) == ("leave", "values")


def _renamed_from(names: dict[str, str], document: dict[str, Any] = LEAVE, first_only: bool = False) -> dict[str, Any]:
    """The definition after the things with these names got other ones, and nothing else was touched."""
    live = LANGUAGE.read(document)
    draft = LANGUAGE.canonical(live)
    _rename(draft, names, [1] if first_only else [10_000])
    checked = check(LANGUAGE, draft, Known(compile_app(live, LANGUAGE.kinds)))
    assert checked.document is not None, list(checked.problems)
    return checked.document


def _rename(value: Any, names: dict[str, str], left: list[int]) -> None:
    if isinstance(value, dict):
        if "id" in value and value.get("name") in names and left[0]:
            value["name"] = names[value["name"]]
            left[0] -= 1
        for each in value.values():
            _rename(each, names, left)
    elif isinstance(value, list):
        for each in value:
            _rename(each, names, left)
