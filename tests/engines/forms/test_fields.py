"""Every kind reads its values strictly and writes them back as they came."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from engines.compiled import CompiledField
from engines.values import ValueProblem
from metadata.text import say
from runtime.plugins import load
from tests.engines.forms.play import app_of, field, form, problems_of

COLOURS = [{"value": "r", "title": {"en": "Red", "zh": "红"}}, "blue"]
D = Decimal

READ: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("text", {}, "  Ann  ", "Ann"),
    ("text", {}, "", None),
    ("text", {}, None, None),
    ("text", {"pattern": "AA-99"}, "HT-07", "HT-07"),
    ("long_text", {}, "a\r\nb\n", "a\nb"),
    ("number", {}, 12, D(12)),
    ("number", {}, 1.25, D("1.25")),
    ("number", {"decimals": 0}, 3.0, D(3)),
    ("number", {}, -0.0, D(0)),
    ("money", {}, 1_234_567_890_123.45, D("1234567890123.45")),
    ("percent", {}, 0.95, D("0.95")),
    ("date", {}, "2026-03-09", date(2026, 3, 9)),
    ("date", {}, "", None),
    ("datetime", {}, "2026-03-09T22:30:00+08:00", datetime(2026, 3, 9, 14, 30, tzinfo=UTC)),
    ("yes_no", {}, True, True),
    ("yes_no", {}, None, False),
    ("select", {"options": COLOURS}, "r", "r"),
    ("multi_select", {"options": COLOURS}, ["blue", "r", "blue"], ("blue", "r")),
    ("tags", {}, ["高意向", " 高意向 ", ""], ("高意向",)),
    ("member", {}, "7", 7),
    ("member", {"multiple": True}, ["7", "8"], (7, 8)),
    ("department", {}, "70", 70),
    ("link", {"form": "thing"}, "9007199254740993", 9007199254740993),
    ("attachment", {}, ["12"], ("12",)),
    ("email", {}, "Ann@Example.COM", "Ann@example.com"),
    ("phone", {}, "138 0013 8000", "+8613800138000"),
    ("phone", {"region": "GB"}, "020 7946 0000", "+442079460000"),
    ("url", {}, "https://example.com/a?b=1", "https://example.com/a?b=1"),
    ("url", {}, "mailto:ann@example.com", "mailto:ann@example.com"),
]

REFUSED: list[tuple[str, dict[str, Any], Any, str]] = [
    ("text", {}, 5, "wrong_type"),
    ("text", {}, "x" * 501, "too_long"),
    ("text", {"min_length": 3}, "ab", "too_short"),
    ("text", {}, "a\x00b", "control_character"),
    ("text", {}, "two\nlines", "control_character"),
    ("text", {"pattern": "AA-99"}, "HT-7", "pattern"),
    ("long_text", {}, "x" * 20_001, "too_long"),
    ("number", {}, "5", "wrong_type"),
    ("number", {}, True, "wrong_type"),
    ("number", {}, float("nan"), "not_a_number"),
    ("number", {}, float("inf"), "not_a_number"),
    ("number", {"decimals": 1}, 0.25, "too_many_decimals"),
    ("number", {}, 10**12, "too_large"),
    ("number", {}, 10**400, "too_large"),
    ("number", {"min": 1}, 0, "too_small"),
    ("number", {"max": 9.5}, 10, "too_large"),
    ("money", {}, 0.001, "too_many_decimals"),
    ("date", {}, "2026-02-30", "bad_date"),
    ("date", {}, "20260305", "bad_date"),
    ("date", {}, 20260305, "wrong_type"),
    ("datetime", {}, "2026-03-09T22:30:00", "bad_datetime"),
    ("datetime", {}, "0001-01-01T00:00:00+14:00", "bad_datetime"),
    ("yes_no", {}, "yes", "wrong_type"),
    ("yes_no", {}, 1, "wrong_type"),
    ("select", {"options": COLOURS}, "Red", "not_an_option"),
    ("multi_select", {"options": COLOURS}, "r", "wrong_type"),
    ("tags", {}, [5], "wrong_type"),
    ("tags", {}, [str(n) for n in range(101)], "too_many_values"),
    ("member", {}, 7, "wrong_type"),
    ("member", {}, "ann", "bad_id"),
    ("link", {"form": "thing"}, "9223372036854775808", "bad_id"),
    ("link", {"form": "thing"}, "-1", "bad_id"),
    ("attachment", {}, ["../etc"], "bad_file"),
    ("email", {}, "ann@", "bad_email"),
    ("email", {}, "a..b@example.com", "bad_email"),
    ("phone", {}, "call me", "bad_phone"),
    ("phone", {}, "12", "bad_phone"),
    ("url", {}, "javascript:alert(1)", "bad_url"),
    ("url", {}, "data:text/html,x", "bad_url"),
    ("url", {}, "//example.com", "bad_url"),
]


def compiled(kind: str, options: dict[str, Any]) -> CompiledField:
    app = app_of(form("thing", field("value", kind, **options)))
    return app.form("thing").fields["f_value"]


@pytest.mark.parametrize(("kind", "options", "raw", "value"), READ)
def test_a_value_is_read(kind: str, options: dict[str, Any], raw: Any, value: Any) -> None:
    each = compiled(kind, options)
    assert each.kind.parse(raw, each) == value


@pytest.mark.parametrize(("kind", "options", "raw", "code"), REFUSED)
def test_a_value_is_refused_in_both_languages(kind: str, options: dict[str, Any], raw: Any, code: str) -> None:
    each = compiled(kind, options)

    with pytest.raises(ValueProblem) as refused:
        each.kind.parse(raw, each)

    assert refused.value.code == code
    assert set(refused.value.message) == {"en", "zh"}  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "options", "raw", "value"), READ)
def test_what_is_written_out_reads_in_again(kind: str, options: dict[str, Any], raw: Any, value: Any) -> None:
    each = compiled(kind, options)
    assert each.kind.parse(each.kind.to_json(value, each), each) == value


def test_a_wrong_option_gets_the_value_of_its_title_as_a_hint() -> None:
    each = compiled("select", {"options": COLOURS})

    with pytest.raises(ValueProblem) as refused:
        each.kind.parse("红", each)

    assert "“r”" in say(refused.value.hint, "en")


@pytest.mark.parametrize("kind", load().fields.names())
def test_every_kind_says_what_it_is_in_both_languages(kind: str) -> None:
    each = load().fields.get(kind)

    assert set(each.title) == {"en", "zh"}
    assert each.icon and each.widget and each.__doc__


DEFINITIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "select", "options": ["a", "a"]}, "/options", "duplicate_option"),
    ({"type": "select", "options": ["a", {"value": "b", "was": ["a"]}]}, "/options", "duplicate_option"),
    ({"type": "select", "options": [{"value": "b", "sets": {"name": 5}}]}, "/options/0/sets/name", "wrong_type"),
    ({"type": "auto_number", "pattern": "HT"}, "/pattern", "bad_pattern"),
    ({"type": "auto_number", "pattern": "{0000}{00}"}, "/pattern", "bad_pattern"),
    ({"type": "auto_number", "pattern": "{YYY}{0000}"}, "/pattern", "bad_pattern"),
    ({"type": "auto_number", "pattern": "{0000}{field:nme}"}, "/pattern", "unknown_field"),
    ({"type": "auto_number", "pattern": "{0000"}, "/pattern", "bad_pattern"),
    ({"type": "formula", "formula": "today", "unique": True}, "/unique", "cannot_be_unique"),
    ({"type": "tags", "unique": True}, "/unique", "cannot_be_unique"),
    ({"type": "number", "min": 5, "max": 4}, "/max", "crossed_bounds"),
    ({"type": "text", "min_length": 9, "max_length": 8}, "/max_length", "crossed_bounds"),
    (
        {"type": "subform", "min_rows": 3, "max_rows": 2, "fields": [{"name": "a", "type": "text"}]},
        "/max_rows",
        "crossed_bounds",
    ),
    ({"type": "tags", "indexed": True}, "/indexed", "cannot_be_indexed"),
    ({"type": "long_text", "indexed": True}, "/indexed", "cannot_be_indexed"),
    ({"type": "yes_no", "indexed": True}, "/indexed", "cannot_be_indexed"),
    ({"type": "formula", "formula": "today", "indexed": True}, "/indexed", "cannot_be_indexed"),
    ({"type": "formula", "formula": "1 + 1", "required": True}, "/required", "computed_field"),
    ({"type": "number", "default": "five"}, "/default", "wrong_type"),
    ({"type": "select", "options": ["a"], "default": "b"}, "/default", "not_an_option"),
    ({"type": "formula", "formula": "user.name"}, "/formula", "viewer_dependent"),
    ({"type": "formula", "formula": "null"}, "/formula", "bad_formula"),
    ({"type": "link", "form": "thing", "required": True, "on_delete": "set_null"}, "/on_delete", "set_null_required"),
    ({"type": "link", "form": "thing", "default": "1042"}, "/default", "id_in_definition"),
    ({"type": "link", "form": "thing", "default": {"text": "1042"}}, "/default", "id_in_definition"),
    ({"type": "member", "multiple": True, "default": ["1042"]}, "/default", "id_in_definition"),
    ({"type": "department", "default": "1042"}, "/default", "id_in_definition"),
    ({"type": "attachment", "default": ["1042"]}, "/default", "id_in_definition"),
    (
        {"type": "select", "options": [{"value": "b", "sets": {"boss": "7"}}]},
        "/options/0/sets/boss",
        "id_in_definition",
    ),
    ({"type": "select", "options": [{"value": "b", "sets": {"value": "b"}}]}, "/options/0/sets/value", "sets_itself"),
    ({"type": "formula", "formula": "name", "show_as": "money"}, "/show_as", "no_number"),
    ({"type": "phone", "region": "ZZ"}, "/region", "unknown_region"),
    ({"type": "number", "max": 12345678901234567890}, "/max", "too_large"),
    ({"type": "number", "decimals": 10, "max": 1234567}, "/max", "too_large"),
    ({"type": "money", "min": 0.001}, "/min", "too_many_decimals"),
    ({"type": "percent", "min": -1e300}, "/min", "too_large"),
    ({"type": "auto_number", "pattern": "{field:value}-{0000}"}, "/pattern", "bad_pattern"),
    (
        {"type": "subform", "fields": [{"name": "a", "type": "text"}], "default": [{"a": "x"}]},
        "/default",
        "rows_written_out",
    ),
    (
        {"type": "subform", "fields": [{"name": "a", "type": "select", "options": ["b"], "stage": True}]},
        "/fields/0/stage",
        "stage_in_subform",
    ),
]


@pytest.mark.parametrize(("written", "place", "code"), DEFINITIONS)
def test_a_field_that_cannot_work_is_a_problem_of_the_definition(
    written: dict[str, Any], place: str, code: str
) -> None:
    found = problems_of(
        form("thing", field("name"), {"name": "value", "id": "f_value", **written}, field("boss", "member"))
    )

    assert (f"/forms/0/fields/1{place}", code) in found
