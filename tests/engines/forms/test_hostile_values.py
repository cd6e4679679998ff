"""Whatever JSON comes in, a save is decided or refused with a clear problem; it never breaks."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import CompiledApp
from metadata.problems import Refusal
from tests.engines.forms.play import Desk, app_of, field, form

EVERYTHING = form(
    "thing",
    field("text"),
    field("long_text", "long_text"),
    field("number", "number", min=-5, max=10**9),
    field("money", "money"),
    field("percent", "percent"),
    field("date", "date"),
    field("datetime", "datetime"),
    field("yes_no", "yes_no"),
    field("select", "select", options=["a", "b"]),
    field("multi_select", "multi_select", options=["a", "b"]),
    field("tags", "tags"),
    field("member", "member", multiple=True),
    field("team", "department"),
    field("link", "link", form="thing"),
    field("links", "link", form="thing", multiple=True),
    field("attachment", "attachment"),
    field("email", "email", unique=True),
    field("phone", "phone"),
    field("url", "url"),
    field("code", "auto_number", pattern="{field:text}-{field:number}-{000}"),
    field("rows", "subform", fields=[
        field("part", "link", form="thing"),
        field("count", "number"),
        field("line", "formula", formula="count * record.number * count"),
    ]),
    field("sum", "formula", formula="sum(rows.line) / (number - 1)"),
    field("words", "formula", formula="UPPER(text) & TEXT(number, 2) & url"),
    field("later", "formula", formula="DATEADD(date, number, 'days')"),
    field("friend", "lookup", link="link", field="text"),
    validations=[{"valid_if": "not (words == friend and count(rows) > 3)", "message": "no"}],
)  # fmt: skip
NAMES = [each["name"] for each in EVERYTHING["fields"]]

nasty = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**14, max_value=10**40),
    st.floats(),
    st.text(),
    st.sampled_from(["1", "a", "2026-02-29", "9999-12-31", "0001-01-01T00:00:00Z", "9" * 30, "１", "x@y.zz", "\ud800"]),
)
values = st.recursive(
    nasty,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["id", "part", "count", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def app() -> CompiledApp:
    return app_of(EVERYTHING)


@given(values=st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=5)), values, max_size=8))
def test_a_save_of_anything_is_decided_or_refused(app: CompiledApp, values: dict[str, Any]) -> None:
    desk = Desk(app)
    desk.put("thing", 1, text="friend")
    for id in (None, 1):
        try:
            desk.save("thing", values, id)
        except Refusal as refusal:
            assert refusal.status in (403, 422)
            assert all(problem.code and problem.message for problem in refusal.problems)


@given(number=st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**10), max_value=10**10))
def test_what_is_stored_has_the_decimals_of_its_field(app: CompiledApp, number: Any) -> None:
    desk = Desk(app)
    try:
        after = desk.save("thing", {"money": round(float(number), 2), "number": 3}).after
    except Refusal:
        return
    assert after["f_money"].as_tuple().exponent >= -2
