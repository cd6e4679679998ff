"""What a publish does to the tables: before, after, and the exact steps; nothing is ever dropped."""

from typing import Any

import pytest

from engines import CompiledApp
from engines.forms.schema_plan import SchemaPlan, plan
from tests.engines.forms.play import app_of, field, form

Forms = list[dict[str, Any]]
NAME = field("name")
SIZE = field("size", "number")
ROWS = field("rows", "subform", fields=[field("part")])

CASES: list[tuple[str, Forms | None, Forms, list[str], list[str]]] = [
    ("the first publish", None, [form("thing", NAME, ROWS, field("tags", "tags"))],
     ["create table a1_t_thing", "create table a1_f_rows", "create table a1_f_tags"], []),
    ("nothing changed", [form("thing", NAME)], [form("thing", NAME)], [], []),
    ("a new form", [form("thing", NAME)], [form("thing", NAME), form("other", field("title"))],
     ["create table a1_t_other"], []),
    ("a new field", [form("thing", NAME)], [form("thing", NAME, SIZE)], ["add column a1_t_thing.f_size"], []),
    ("a renamed field", [form("thing", NAME, SIZE)],
     [form("thing", NAME, {**SIZE, "name": "extent", "title": "Extent"})], [], []),
    ("a renamed form", [form("thing", NAME)], [{**form("thing", NAME), "name": "article"}], [], []),
    ("another order of fields", [form("thing", NAME, SIZE)], [form("thing", SIZE, NAME)], [], []),
    ("a field left out", [form("thing", NAME, SIZE)], [form("thing", NAME)], [], ["field_hidden"]),
    ("a form left out", [form("thing", NAME), form("other", NAME)], [form("thing", NAME)], [], ["form_hidden"]),
    ("a new link", [form("thing", NAME)], [form("thing", NAME, field("of", "link", form="thing"))],
     ["add column a1_t_thing.f_of", "add index ix_a1_t_thing_f_of"], []),
    ("a new subform and a field in it", [form("thing", NAME)], [form("thing", NAME, ROWS)],
     ["create table a1_f_rows"], []),
    ("a field more in a subform", [form("thing", NAME, ROWS)],
     [form("thing", NAME, {**ROWS, "fields": [field("part"), field("count", "number")]})],
     ["add column a1_f_rows.f_count"], []),
    ("text becomes a number", [form("thing", NAME, field("size"))], [form("thing", NAME, SIZE)],
     ["add column a1_t_thing.f_size_2", "convert f_size (text) to f_size_2"], ["retyped"]),
    ("more decimals", [form("thing", NAME, SIZE)], [form("thing", NAME, {**SIZE, "decimals": 6})],
     ["add column a1_t_thing.f_size_2", "convert f_size (number:4) to f_size_2"], ["retyped"]),
    ("text becomes long text, which is stored alike", [form("thing", NAME)],
     [form("thing", field("name", "long_text"))], [], []),
    ("a choice becomes several", [form("thing", NAME, field("kind", "select", options=["a"]))],
     [form("thing", NAME, field("kind", "multi_select", options=["a"]))],
     ["create table a1_f_kind_2", "convert f_kind (text) to a1_f_kind_2"], ["retyped"]),
    ("tags become text", [form("thing", NAME, field("kind", "tags"))], [form("thing", NAME, field("kind"))],
     ["add column a1_t_thing.f_kind_2", "convert a1_f_kind (list:text) to f_kind_2"], ["retyped"]),
    ("rows become text, which nothing converts", [form("thing", NAME, ROWS)], [form("thing", NAME, field("rows"))],
     ["add column a1_t_thing.f_rows_2"], ["retyped"]),
    ("a field becomes unique", [form("thing", NAME)], [form("thing", {**NAME, "unique": True})],
     ["add unique index uq_a1_t_thing_f_name"], []),
    ("a field need not be unique any more", [form("thing", {**NAME, "unique": True})], [form("thing", NAME)],
     ["drop unique index uq_a1_t_thing_f_name"], []),
    ("a field becomes indexed", [form("thing", NAME)], [form("thing", {**NAME, "indexed": True})],
     ["add index ix_a1_t_thing_f_name"], []),
    ("an index that nobody asks for stays", [form("thing", {**NAME, "indexed": True})], [form("thing", NAME)], [], []),
    ("a retyped field that is unique", [form("thing", NAME, field("size"))],
     [form("thing", NAME, {**SIZE, "unique": True})],
     ["add column a1_t_thing.f_size_2", "convert f_size (text) to f_size_2",
      "add unique index uq_a1_t_thing_f_size_2"], ["retyped"]),
    ("an option less", [form("thing", field("kind", "select", options=["a", "b"]))],
     [form("thing", field("kind", "select", options=["a"]))], [], ["option_removed"]),
    ("stages are refined and the old ones taken over",
     [form("thing", field("kind", "select", options=["a", "b", "c"]))],
     [form("thing", field("kind", "select", options=["a1", {"value": "a2", "was": ["a", "b"]}, "c"]))],
     ["move a to a2, b to a2 in a1_t_thing.f_kind"], []),
    ("an option that went earlier is taken over", [form("thing", field("kind", "select", options=["b"]))],
     [form("thing", field("kind", "select", options=[{"value": "b", "was": ["a"]}]))],
     ["move a to b in a1_t_thing.f_kind"], []),
    ("what was taken over is not taken over again",
     [form("thing", field("kind", "select", options=[{"value": "b", "was": ["a"]}]))],
     [form("thing", field("kind", "select", options=["c", {"value": "b", "was": ["a"]}]))], [], []),
    ("a formula reads a choice whose records move",
     [form("thing", field("kind", "select", options=["a"]), field("is_a", "formula", formula="kind == 'a'"))],
     [form("thing", field("kind", "select", options=[{"value": "b", "was": ["a"]}]),
           field("is_a", "formula", formula="kind == 'a'"))],
     ["move a to b in a1_t_thing.f_kind", "fill a1_t_thing.f_is_a"], []),
    ("a new formula", [form("thing", SIZE)],
     [form("thing", SIZE, field("twice", "formula", formula="size * 2"))],
     ["add column a1_t_thing.f_twice", "fill a1_t_thing.f_twice"], []),
    ("a formula means something else, and one that reads it",
     [form("thing", SIZE, field("twice", "formula", formula="size * 2"), field("more", "formula", formula="twice+1"))],
     [form("thing", SIZE, field("twice", "formula", formula="size * 3"), field("more", "formula", formula="twice+1"))],
     ["fill a1_t_thing.f_twice", "fill a1_t_thing.f_more"], []),
    ("a formula takes blanks for zero from now on",
     [form("thing", SIZE, field("twice", "formula", formula="size * 2"))],
     [form("thing", SIZE, field("twice", "formula", formula="size * 2", blanks="zero"))],
     ["fill a1_t_thing.f_twice"], []),
    ("a formula over a renamed field", [form("thing", SIZE, field("twice", "formula", formula="size * 2"))],
     [form("thing", {**SIZE, "name": "extent"}, field("twice", "formula", formula="extent * 2"))], [], []),
    ("a formula over a link, which nobody stores", [form("thing", NAME, field("of", "link", form="thing"))],
     [form("thing", NAME, field("of", "link", form="thing"), field("up", "formula", formula="of.name"))], [], []),
    ("a new roll-up", [form("thing", NAME, field("of", "link", form="thing"), SIZE)],
     [form("thing", NAME, field("of", "link", form="thing"), SIZE,
           field("sum", "rollup", form="thing", link="of", sum="size"))],
     ["add column a1_t_thing.f_sum", "fill a1_t_thing.f_sum"], []),
]  # fmt: skip


def planned(before: Forms | None, after: Forms) -> tuple[CompiledApp, SchemaPlan]:
    live = app_of(*before) if before is not None else None
    compiled = app_of(*after, before=live)
    return compiled, plan(live, compiled)


@pytest.mark.parametrize(("what", "before", "after", "steps", "losses"), CASES, ids=[case[0] for case in CASES])
def test_a_publish_takes_exactly_these_steps(
    what: str, before: Forms | None, after: Forms, steps: list[str], losses: list[str]
) -> None:
    _, found = planned(before, after)

    assert [step.summary for step in found.steps] == steps
    assert [loss.code for loss in found.losses] == losses


@pytest.mark.parametrize(("what", "before", "after", "steps", "losses"), CASES, ids=[case[0] for case in CASES])
def test_no_publish_ever_drops_a_table_or_a_column(
    what: str, before: Forms | None, after: Forms, steps: list[str], losses: list[str]
) -> None:
    _, found = planned(before, after)

    kinds = {step.kind for step in found.steps}
    assert kinds <= {"create_table", "add_column", "add_index", "drop_index", "convert", "move", "fill"}


def test_what_comes_back_needs_no_new_column() -> None:
    first = app_of(form("thing", NAME, SIZE))
    without = app_of(form("thing", NAME), before=first)
    back = app_of(form("thing", NAME, SIZE), before=without)

    assert plan(without, back).steps == ()


def test_what_comes_back_as_something_else_gets_the_next_column() -> None:
    first = app_of(form("thing", NAME, SIZE))
    without = app_of(form("thing", NAME), before=first)
    back = app_of(form("thing", NAME, field("size")), before=without)

    assert [step.summary for step in plan(without, back).steps] == [
        "add column a1_t_thing.f_size_2",
        "convert f_size (number:4) to f_size_2",
    ]
