"""The masked relation as SQL: what stands in it, what does not, and in which form."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from engines.access import visible
from engines.actor import Actor
from engines.compiled import CompiledApp
from engines.expressions import Moment, standard_functions, where
from engines.relation.masked import CLOCK, Relation
from metadata.expressions import Scope, check
from metadata.value_types import YES_NO
from tests.engines.test_access import app_with, entry, somebody

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DIALECTS = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}


def seen(app: CompiledApp, actor: Actor, form: str, dialect: str, notes: set[str] | None = None) -> Relation:
    user = {"id": 7, "department": 1, "departments": (1, 2), "roles": (), "name": "", "email": "", "manager": None}
    return visible(app, actor, form, Moment(NOW.date(), NOW, ZoneInfo("UTC"), user), dialect, notes=notes)


def sql(statement: sa.Select[Any], dialect: str) -> str:
    return " ".join(str(statement.compile(dialect=DIALECTS[dialect])).split())


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_field_for_everybody_stands_bare_and_one_for_some_rows_is_masked(dialect: str) -> None:
    app = app_with(entry(where="owner == user", fields=["name", "cost"]), entry(where="level == 'A'", fields=["name"]))
    relation = seen(app, somebody("seller"), "t_customer", dialect)
    text = sql(relation.select({"name": relation.column("f_name"), "cost": relation.column("f_cost")}), dialect)
    assert "a1_t_customer.f_name AS name" in text
    assert "CASE WHEN (a1_t_customer.owner IS NOT NULL AND a1_t_customer.owner =" in text
    assert "a1_t_customer.deleted_at IS NULL" in text
    assert text.index("WHERE") < text.rindex("f_level") and " OR " in text[text.index("WHERE") :]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_filter_on_a_masked_field_can_use_its_index(dialect: str) -> None:
    app = app_with(entry(where="owner == user", fields=["name", "level"]), entry(where="level == 'A'", fields=["name"]))
    relation = seen(app, somebody("seller"), "t_customer", dialect)
    condition = check("level == 'B'", Scope(app.names, "t_customer"), standard_functions(), YES_NO)
    relation.where(where(condition, relation, relation.reading.moment, dialect))
    text = sql(relation.select({"id": relation.column("id")}), dialect)
    assert "CASE" not in text
    assert "a1_t_customer.f_level =" in text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_link_is_one_join_to_what_the_actor_may_see(dialect: str) -> None:
    app = app_with(entry(where="owner == user"), entry(form="deal"))
    relation = seen(app, somebody("seller"), "t_deal", dialect)
    columns = {each: relation.follow("f_customer").column(each) for each in ("f_name", "f_level")}
    text = sql(relation.select(columns | {"lookup": relation.column("f_level2")}), dialect)
    assert text.count("JOIN") == 1
    joined = text[text.index(" ON ") : text.index("WHERE")]
    assert "owner =" in joined and "deleted_at IS NULL" in joined


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_form_hides_altogether_is_not_even_joined(dialect: str) -> None:
    app = app_with(entry(form="deal"))
    relation = seen(app, somebody("seller"), "t_deal", dialect)
    text = sql(relation.select({"name": relation.follow("f_customer").column("f_name")}), dialect)
    assert "t_customer" not in text
    assert "CAST(NULL" in text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_form_without_a_right_has_no_rows(dialect: str) -> None:
    relation = seen(app_with(), somebody("seller"), "t_deal", dialect)
    text = sql(relation.select({"id": relation.column("id")}), dialect)
    assert "false" in text.lower() or "0 = 1" in text
    assert "a1_t_deal.id" not in text[: text.index("FROM")]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_scope_may_look_through_a_link_at_the_truth(dialect: str) -> None:
    app = app_with(entry(form="deal", where="customer.level == 'A'", fields=["amount"]))
    relation = seen(app, somebody("seller"), "t_deal", dialect)
    text = sql(relation.select({"amount": relation.column("f_amount")}), dialect)
    assert "LEFT OUTER JOIN a1_t_customer" in text
    assert "f_customer" not in relation.fields


def test_a_statement_that_reads_the_clock_says_so() -> None:
    for scope, expected in (("created_at < now", {CLOCK}), ("created_at < today", set()), ("owner == user", set())):
        notes: set[str] = set()
        relation = seen(app_with(entry(where=scope)), somebody("seller"), "t_customer", "sqlite", notes)
        assert relation.condition is not None
        assert notes == expected
