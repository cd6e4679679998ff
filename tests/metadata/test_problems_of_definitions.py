"""Definitions that cannot be: every problem at once, each with its place, a code, two languages and a way out."""

import copy
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from metadata.language import Language
from metadata.problems import Problem
from tests.metadata.small_kinds import small_app

Change = Callable[[dict[str, Any]], object]


def change(path: str, value: Any) -> Change:
    """Write a value at a JSON pointer."""

    def apply(document: dict[str, Any]) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split("/")[1:]]
        at: Any = document
        for part in way:
            at = at[part]
        at[last] = value

    return apply


def append(path: str, value: Any) -> Change:
    """Add a value to the list at a JSON pointer."""

    def apply(document: dict[str, Any]) -> None:
        at: Any = document
        for part in path.split("/")[1:]:
            at = at[int(part) if part.isdigit() else part]
        at.append(value)

    return apply


def leave_out(path: str) -> Change:
    def apply(document: dict[str, Any]) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split("/")[1:]]
        at: Any = document
        for part in way:
            at = at[part]
        del at[last]

    return apply


DEAL = "/forms/1"
LIST = {"name": "mine", "form": "deal"}
SHAPE: list[tuple[Change, str, str]] = [
    (change("/colour", "red"), "/colour", "unknown_key"),
    (change("/pages", []), "/pages", "reserved_key"),
    (change("/seed", []), "/seed", "reserved_key"),
    (change("/titel", "x"), "/titel", "unknown_key"),
    (leave_out("/app"), "/app", "missing_key"),
    (leave_out("/forms"), "/forms", "missing_key"),
    (change("/forms", []), "/forms", "too_short"),
    (change("/forms", {}), "/forms", "wrong_type"),
    (change("/forms/0", "customer"), "/forms/0", "wrong_type"),
    (change("/app", "Sales App"), "/app", "bad_name"),
    (change("/app", "9lives"), "/app", "bad_name"),
    (change("/app", "a__b"), "/app", "bad_name"),
    (change("/app", "x" * 49), "/app", "bad_name"),
    (change("/app", "销售"), "/app", "bad_name"),
    (change("/app", "class"), "/app", "reserved_name"),
    (change("/app", None), "/app", "wrong_type"),
    (change("/title", 5), "/title", "wrong_type"),
    (change("/title", {"English": "x"}), "/title/English", "bad_pattern"),
    (change("/title", {"en": 5}), "/title/en", "wrong_type"),
    (change("/currency", "yuan"), "/currency", "bad_pattern"),
    (change("/format", "1"), "/format", "wrong_type"),
    (change("/format", 0), "/format", "out_of_range"),
    (change("/version", 1), "/version", "wrong_type"),
    (change("/version", ""), "/version", "too_short"),
    (change("/roles/0", 7), "/roles/0", "wrong_type"),
    (change("/roles/0", "sel ler"), "/roles/0", "bad_name"),
    (change(f"{DEAL}/fields", []), f"{DEAL}/fields", "too_short"),
    (change(f"{DEAL}/fields/0/type", "txt"), f"{DEAL}/fields/0/type", "unknown_kind"),
    (leave_out(f"{DEAL}/fields/0/type"), f"{DEAL}/fields/0/type", "missing_key"),
    (leave_out(f"{DEAL}/fields/0/name"), f"{DEAL}/fields/0/name", "missing_key"),
    (change(f"{DEAL}/fields/0/name", "from"), f"{DEAL}/fields/0/name", "reserved_name"),
    (change(f"{DEAL}/fields/0/name", "owner"), f"{DEAL}/fields/0/name", "reserved_name"),
    (change(f"{DEAL}/fields/0/name", "csrf"), f"{DEAL}/fields/0/name", "reserved_name"),
    (change(f"{DEAL}/fields/0/name", "record"), f"{DEAL}/fields/0/name", "reserved_name"),
    (change(f"{DEAL}/fields/0/required", "yes"), f"{DEAL}/fields/0/required", "wrong_type"),
    (change(f"{DEAL}/fields/0/required", 1), f"{DEAL}/fields/0/required", "wrong_type"),
    (change(f"{DEAL}/fields/0/requird", True), f"{DEAL}/fields/0/requird", "unknown_key"),
    (change(f"{DEAL}/fields/0/max_length", "9"), f"{DEAL}/fields/0/max_length", "wrong_type"),
    (change(f"{DEAL}/fields/0/max_length", 9.5), f"{DEAL}/fields/0/max_length", "wrong_type"),
    (change(f"{DEAL}/fields/0/max_length", 0), f"{DEAL}/fields/0/max_length", "out_of_range"),
    (change(f"{DEAL}/fields/0/width", "huge"), f"{DEAL}/fields/0/width", "unknown_choice"),
    (change(f"{DEAL}/fields/1/max_length", 9), f"{DEAL}/fields/1/max_length", "unknown_key"),
    (leave_out(f"{DEAL}/fields/2/form"), f"{DEAL}/fields/2/form", "missing_key"),
    (change(f"{DEAL}/fields/4/options", []), f"{DEAL}/fields/4/options", "too_short"),
    (change(f"{DEAL}/fields/4/options/0", 3), f"{DEAL}/fields/4/options/0", "wrong_type"),
    (change(f"{DEAL}/fields/4/options/1/colour", 3), f"{DEAL}/fields/4/options/1/colour", "unknown_key"),
    (change(f"{DEAL}/fields/5/fields/0/type", "txt"), f"{DEAL}/fields/5/fields/0/type", "unknown_kind"),
    (change(f"{DEAL}/fields/5/fields/0/x", 1), f"{DEAL}/fields/5/fields/0/x", "unknown_key"),
    (change(f"{DEAL}/fields/0/id", "F 1"), f"{DEAL}/fields/0/id", "bad_id"),
    (change(f"{DEAL}/validations", [{"valid_if": "true"}]), f"{DEAL}/validations/0/message", "missing_key"),
    (change(f"{DEAL}/columns/0", {"field": "title", "x": 1}), f"{DEAL}/columns/0/x", "unknown_key"),
    (change(f"{DEAL}/icon", "Big Icon"), f"{DEAL}/icon", "bad_pattern"),
    (change("/flows/0/start", "sometimes"), "/flows/0/start", "unknown_choice"),
    (change("/flows/0/nodes", []), "/flows/0/nodes", "too_short"),
    (change("/flows/0/nodes/0/type", "aproval"), "/flows/0/nodes/0/type", "unknown_kind"),
    (change("/flows/0/nodes/0/approver", 1), "/flows/0/nodes/0/approver", "unknown_key"),
    (change("/flows/0/nodes/0/fields/amount", "see"), "/flows/0/nodes/0/fields/amount", "unknown_choice"),
    (
        change("/flows/0/nodes/1/branches/0/nodes/0/type", "x"),
        "/flows/0/nodes/1/branches/0/nodes/0/type",
        "unknown_kind",
    ),
    (change("/flows/0/nodes/1/branches/1/else", False), "/flows/0/nodes/1/branches/1/else", "unknown_choice"),
    (change("/flows/0/nodes/1/branches/0/iff", "x"), "/flows/0/nodes/1/branches/0/iff", "unknown_key"),
    (leave_out("/rules/0/when"), "/rules/0/when", "missing_key"),
    (change("/rules/0/when", "created"), "/rules/0/when", "wrong_type"),
    (change("/rules/0/when/trigger", "becoms"), "/rules/0/when/trigger", "unknown_kind"),
    (leave_out("/rules/0/when/form"), "/rules/0/when/form", "missing_key"),
    (change("/rules/0/if", ["a"]), "/rules/0/if", "wrong_type"),
    (change("/rules/0/if", {"al": []}), "/rules/0/if/al", "unknown_key"),
    (change("/rules/0/if", {"all": ["a", 5]}), "/rules/0/if/all/1", "wrong_type"),
    (change("/rules/0/then", {"action": "set"}), "/rules/0/then", "wrong_type"),
    (change("/rules/0/then/0/action", "sett"), "/rules/0/then/0/action", "unknown_kind"),
    (change("/rules/0/then/0/values", []), "/rules/0/then/0/values", "wrong_type"),
    (change("/rules/0/else/0/text", 5), "/rules/0/else/0/text", "wrong_type"),
    (change("/rules/0/as", "root"), "/rules/0/as", "unknown_choice"),
    (change("/rules/0/async", "no"), "/rules/0/async", "wrong_type"),
    (change("/rules/0/async_", True), "/rules/0/async_", "unknown_key"),
    (change("/rules/0/enabled", None), "/rules/0/enabled", "wrong_type"),
    (change("/reports/0/measures", []), "/reports/0/measures", "too_short"),
    (change("/reports/0/measures/0/decimals", 11), "/reports/0/measures/0/decimals", "out_of_range"),
    (change("/reports/0/measures/0/count", "all"), "/reports/0/measures/0/count", "unknown_choice"),
    (change("/reports/0/dimensions/1/every", "fortnight"), "/reports/0/dimensions/1/every", "unknown_choice"),
    (change("/reports/0/chart/type", "pi"), "/reports/0/chart/type", "unknown_kind"),
    (change("/reports/0/chart/stacked", "very"), "/reports/0/chart/stacked", "wrong_type"),
    (change("/reports/0/limit", 0), "/reports/0/limit", "out_of_range"),
    (change("/reports/0/limit", 1001), "/reports/0/limit", "out_of_range"),
    (change("/dashboards/0/cards", []), "/dashboards/0/cards", "too_short"),
    (
        change("/dashboards/0/cards/0", {"report": "by_state", "width": 13}),
        "/dashboards/0/cards/0/width",
        "out_of_range",
    ),
    (change("/access/0/may", ["fly"]), "/access/0/may/0", "unknown_choice"),
    (change("/access/0/may", []), "/access/0/may", "too_short"),
    (leave_out("/access/0/role"), "/access/0/role", "missing_key"),
    (change("/access/0/fields", "*"), "/access/0/fields", "wrong_type"),
    (change("/stories/0/today", "2026-02-30"), "/stories/0/today", "wrong_type"),
    (change("/stories/0/steps", []), "/stories/0/steps", "too_short"),
    (change("/stories/0/people", ["ann"]), "/stories/0/people", "wrong_type"),
]

MEANING: list[tuple[Change, str, str]] = [
    (change("/time_zone", "Asia/Peking"), "/time_zone", "unknown_time_zone"),
    (change("/format", 99), "/format", "format_too_new"),
    (change("/roles", ["seller", "boss", "seller"]), "/roles/2", "duplicate_name"),
    (change("/views", [LIST, LIST]), "/views/1/name", "duplicate_name"),
    (append("/forms/0/fields", {"name": "title", "type": "text"}), "/forms/0/fields/2/name", "duplicate_name"),
    (change(f"{DEAL}/fields/0/id", "x_title"), f"{DEAL}/fields/0/id", "bad_id"),
    (change(f"{DEAL}/fields/2/form", "custmer"), f"{DEAL}/fields/2/form", "unknown_form"),
    (change(f"{DEAL}/fields/3/link", "custmer"), f"{DEAL}/fields/3/link", "unknown_field"),
    (change(f"{DEAL}/fields/3/field", "levl"), f"{DEAL}/fields/3/field", "unknown_field"),
    (change(f"{DEAL}/columns/1", "customer.levl"), f"{DEAL}/columns/1", "unknown_field"),
    (change(f"{DEAL}/sort/0", "-amonut"), f"{DEAL}/sort/0", "unknown_field"),
    (change(f"{DEAL}/search", ["titel"]), f"{DEAL}/search/0", "unknown_field"),
    (change("/flows/0/form", "deals"), "/flows/0/form", "unknown_form"),
    (change("/flows/0/nodes/0/role", "bos"), "/flows/0/nodes/0/role", "unknown_role"),
    (change("/flows/0/nodes/0/fields", {"amuont": "read"}), "/flows/0/nodes/0/fields/amuont", "unknown_field"),
    (change("/rules/0/then/0/values", {"titel": "x"}), "/rules/0/then/0/values/titel", "unknown_field"),
    (change("/rules/0/then/1/form", "custmer"), "/rules/0/then/1/form", "unknown_form"),
    (change("/rules/0/then/1/values", {"amount": 1}), "/rules/0/then/1/values/amount", "unknown_field"),
    (change("/reports/0/form", "deals"), "/reports/0/form", "unknown_form"),
    (change("/reports/1/rows", "item"), "/reports/1/rows", "unknown_field"),
    (change("/dashboards/0/cards/0", "by_stat"), "/dashboards/0/cards/0", "unknown_report"),
    (change("/access/0/role", "sellers"), "/access/0/role", "unknown_role"),
    (change("/access/0/fields", ["titel"]), "/access/0/fields/0", "unknown_field"),
    (change("/stories/0/people/ann", ["selle"]), "/stories/0/people/ann/0", "unknown_role"),
    (change("/requires", ["sales"]), "/requires/0", "requires_itself"),
    (change("/currency", "RMB"), "/currency", "unknown_currency"),
    (change("/title", " "), "/title", "blank_text"),
    (change("/title", {"en": "x" * 201}), "/title/en", "too_long"),
    (change(f"{DEAL}/fields/0/title", {"zh": ""}), f"{DEAL}/fields/0/title/zh", "blank_text"),
    (change(f"{DEAL}/help", "a\x00b"), f"{DEAL}/help", "control_character"),
    (
        change(f"{DEAL}/sections", [{"fields": ["title"]}, {"fields": ["title"]}]),
        f"{DEAL}/sections/1/fields/0",
        "duplicate_name",
    ),
    (change("/rules/0/if", {}), "/rules/0/if", "empty_condition"),
    (change("/rules/0/if", {"any": []}), "/rules/0/if/any", "empty_condition"),
    (leave_out("/rules/0/if"), "/rules/0/else", "else_without_if"),
    (change("/rules/0/else/0/text", " "), "/rules/0/else/0/text", "blank_text"),
]


def changed(apply: Change) -> dict[str, Any]:
    document = copy.deepcopy(small_app())
    apply(document)
    return document


def names(case: tuple[Change, str, str]) -> str:
    return f"{case[2]} at {case[1]}"


@pytest.mark.parametrize("case", [*SHAPE, *MEANING], ids=names)
def test_a_wrong_definition_is_refused_with_its_place_and_a_way_out(
    language: Language, case: tuple[Change, str, str]
) -> None:
    apply, path, code = case

    problems = list(language.examine(changed(apply)).problems)

    assert [(str(problem.path), problem.code) for problem in problems] == [(path, code)]
    assert _speaks_both_languages(problems[0])
    assert problems[0].hint


@pytest.mark.parametrize("case", SHAPE, ids=names)
def test_the_published_schema_refuses_what_the_models_refuse_for_its_shape(
    language: Language, validator: jsonschema.Draft202012Validator, case: tuple[Change, str, str]
) -> None:
    assert not validator.is_valid(changed(case[0]))


def test_the_published_schema_accepts_what_the_models_accept(
    language: Language, validator: jsonschema.Draft202012Validator
) -> None:
    document = small_app()

    assert not list(validator.iter_errors(document))
    assert not list(validator.iter_errors(language.canonical(language.read(document))))


def test_all_problems_come_in_one_answer(language: Language) -> None:
    document = small_app()
    document["forms"][1]["fields"][0]["requird"] = True  # a key that is not there
    document["forms"][1]["fields"][4].pop("options")  # a field that cannot be read at all
    document["access"].insert(0, {"role": "seller", "form": "deal", "may": ["fly"]})
    document["access"][1]["role"] = "sellar"  # a name that leads nowhere, behind an entry that cannot be read

    problems = language.examine(document).problems

    assert {(str(problem.path), problem.code) for problem in problems} == {
        ("/forms/1/fields/0/requird", "unknown_key"),
        ("/forms/1/fields/4/options", "missing_key"),
        ("/access/0/may/0", "unknown_choice"),
        ("/access/1/role", "unknown_role"),
    }


@pytest.mark.parametrize("document", [None, [], "app", 5, True, {}, {"app": {}}, {"forms": [[]]}])
def test_something_else_entirely_is_refused_too(language: Language, document: Any) -> None:
    assert language.examine(document).problems


def test_a_document_nested_beyond_measure_is_refused(language: Language) -> None:
    nested: Any = "x"
    for _ in range(5000):
        nested = [nested]

    [problem] = language.examine(small_app(help=nested)).problems

    assert (problem.code, problem.limit) == ("limit_exceeded", {"limit": "L02", "max": 32, "actual": 33})


def test_broken_text_is_refused(language: Language) -> None:
    assert [problem.code for problem in language.examine(small_app(help="\ud800")).problems] == ["broken_text"]


def test_a_key_that_looks_like_a_known_one_is_offered(language: Language) -> None:
    document = small_app()
    document["forms"][1]["fields"][0]["requird"] = True

    [problem] = language.examine(document).problems

    assert problem.hint == {"en": "Did you mean “required”?", "zh": "您是否想写“required”？"}


@pytest.fixture(scope="session")
def validator(language: Language) -> jsonschema.Draft202012Validator:
    schema = language.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def _speaks_both_languages(problem: Problem) -> bool:
    return isinstance(problem.message, dict) and {"en", "zh"} <= problem.message.keys()
