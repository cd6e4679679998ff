"""Two worlds that differ only in what somebody may not see answer each of his requests alike, byte by byte."""

import difflib
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engines.json_values import moment_text
from runtime.db import tables
from tests.attacks.conftest import Installation

FILTERS = {
    "customer": (
        *("credit_limit > 1", "credit_limit == null", "contains(wechat, 'CNRY')", "count(follow_ups) > 0"),
        *("any(len(f.content) > 3 for f in follow_ups)", "pipeline > 1", "owner.name == 'Zoe'"),
        "if(credit_limit > 5, name, '') == ''",
    ),
    "contract": (
        *("cost > 1", "cost > total", "total - cost > 0", "customer.credit_limit > 1", "customer.wechat != ''"),
        *("opportunity.next_step == ''", "sum(lines.amount) > 0", "finance_contact.name != ''", "outstanding > 0"),
        *(
            "customer == '@zoe_customer'",
            "opportunity in ['@zoe_deal', '@sam_deal']",
            "finance_contact != '@zoe_contact'",
        ),
    ),
    "opportunity": (
        *("amount > 5", "customer.name != ''", "customer.credit_limit > 5", "weighted > 3", "customer_level == 'b'"),
        *("next_step == 'x'", "days_to_close > 3", "stage == 'proposal'"),
        *("customer == '@zoe_customer'", "customer not in ['@zoe_customer']", "customer.id == '@sam_customer'"),
    ),
    "contact": ("customer.credit_limit > 1", "customer.owner.name == 'Sam'", "name > 'B'"),
}
REPORTS = ("pipeline_funnel", "leaderboard", "receivables", "losses", "customer_sources")
SORTS = ("", "name", "-credit_limit", "cost", "-customer.credit_limit", "amount", "customer.name", "-total", "owner")
MORE = (
    *("", "&search=CNRY", "&expand=customer", "&fields=name,cost", "&fields=customer.credit_limit", "&size=1"),
    "&expand=opportunity.customer,finance_contact.customer&fields=id",
    *("&as_of=@now", "&as_of=@now&expand=customer&count=exact"),
)
PLACES = (
    "/api/v1/apps/crm/reports/{report}",
    "/api/v1/apps/crm/reports/{report}/records",
    "/api/v1/apps/crm/reports/{report}?as_of=@now",
    "/apps/crm/dashboards/sales",
    "/apps/crm/forms/{form}?q=CNRY",
    "/pick/crm/{form}?q=7",
    "/api/v1/tasks",
    "/todo",
    "/api/v1/notifications",
    "/",
)
HIDDEN = {  # what nobody of them sees of anything, and whose records they do not see at all
    "sam": ({"customer": ("credit_limit",)}, "zoe"),
    "fred": ({"customer": ("wechat", "position"), "contract": ("cost",)}, None),
    "sol": ({"customer": ("credit_limit", "wechat", "contact_name", "position"), "contract": ("cost", "total")}, None),
}


@st.composite
def requests(draw: st.DrawFn) -> str:
    """Something anybody could ask."""
    if draw(st.booleans()):
        return draw(st.sampled_from(PLACES)).format(
            report=draw(st.sampled_from(REPORTS)),
            form=draw(st.sampled_from(sorted(FILTERS))),
        )
    form = draw(st.sampled_from(sorted(FILTERS)))
    chosen = draw(st.lists(st.sampled_from(FILTERS[form]), max_size=2))
    joined = draw(st.sampled_from([" and ", " or ", " and not "])).join(f"({each})" for each in chosen)
    more = draw(st.sampled_from(SORTS)), draw(st.sampled_from(MORE))
    return f"/api/v1/apps/crm/forms/{form}/records?filter={joined}&sort={more[0]}{more[1]}"


@settings(max_examples=8, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(
    who=st.sampled_from(sorted(HIDDEN)),
    asked=st.lists(requests(), min_size=8, max_size=8),
    text=st.text("abCNRY7", max_size=6),
    amount=st.integers(0, 10**9),
)
def test_what_is_hidden_changes_no_answer(
    filled: Installation, who: str, asked: list[str], text: str, amount: int
) -> None:
    before = [answer(filled, who, each) for each in asked]
    changed = dict(hidden_columns(filled, who))
    kept = rewrite(filled, who, changed, text, Decimal(amount))
    try:
        for each, told in zip(asked, before, strict=True):
            found = differences(told, answer(filled, who, each))
            assert not found, f"{each}: " + "\n".join(found)
    finally:
        put_back(filled, kept)


def test_what_was_hidden_changes_no_answer_about_the_past(filled: Installation) -> None:
    asked = list(about_the_past(filled))
    before = [answer(filled, "sam", each) for each in asked]
    kept = rewrite(filled, "sam", dict(hidden_columns(filled, "sam")), "CNRYx7", Decimal(7))
    try:
        for each, told in zip(asked, before, strict=True):
            found = differences(told, answer(filled, "sam", each))
            assert not found, f"{each}: " + "\n".join(found)
    finally:
        put_back(filled, kept)
    assert sum(status == 200 for status, _ in before) > len(asked) / 2


@pytest.mark.parametrize("more", ["", "&as_of=@now"])
def test_the_worlds_do_differ(filled: Installation, more: str) -> None:
    place = f"/api/v1/apps/crm/forms/contract/records?fields=cost{more}"
    before = answer(filled, "dora", place)
    kept = rewrite(filled, "fred", dict(hidden_columns(filled, "fred")), "x", Decimal(5))
    after = answer(filled, "dora", place)
    put_back(filled, kept)
    assert before[0] == 200
    assert before != after
    assert before == answer(filled, "dora", place)


def about_the_past(made: Installation) -> Iterator[str]:
    """What one may ask about a moment, and about the changes of records of one's own and of others."""
    for form, filters in FILTERS.items():
        place = f"/api/v1/apps/crm/forms/{form}/records?as_of=@now"
        yield from (f"{place}&filter={each}&count=exact" for each in filters)
        yield from (f"{place}&sort={each}&search=CNRY" for each in SORTS)
        yield f"{place}&expand=customer,opportunity.customer"
    for form, id in made.records.values():
        yield f"/api/v1/apps/crm/forms/{form}/records/{id}?as_of=@now"
        yield f"/api/v1/apps/crm/forms/{form}/records/{id}/history"
    for each in REPORTS:
        yield f"/api/v1/apps/crm/reports/{each}?as_of=@now"


def differences(before: tuple[int, str], after: tuple[int, str]) -> list[str]:
    """The lines in which two answers are not alike."""
    if before == after:
        return []
    lines = difflib.unified_diff(before[1].splitlines(), after[1].splitlines(), lineterm="", n=0)
    return [f"{before[0]} {after[0]}", *[line[-300:] for line in lines]]


def hidden_columns(made: Installation, who: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for form in ("customer", "contract", "opportunity", "contact"):
        yield form, HIDDEN[who][0].get(form, ())


def rewrite(made: Installation, who: str, changed: dict[str, tuple[str, ...]], text: str, amount: Decimal) -> list[Any]:
    """Write other values past the door: into hidden fields, and into every field of records that are hidden whole."""
    kept: list[Any] = []
    stranger = HIDDEN[who][1]
    with made.services.database.write() as connection:
        for alias, (name, id) in made.records.items():
            form = made.app.form(name)
            whole = stranger is not None and alias.startswith(stranger)
            chosen = [
                each
                for each in form.fields.values()
                if each.column and each.storage == "stored" and each.kind.name in ("text", "long_text", "money")
                if name in changed and (whole or each.name in changed[name])
            ]
            if not chosen:
                continue
            columns = [form.table.c[each.column] for each in chosen]
            old = connection.execute(sa.select(*columns).where(form.table.c.id == id)).one()
            kept.append((form.table, id, dict(zip([each.name for each in columns], old, strict=True))))
            new = {each.column: amount if each.kind.name == "money" else f"{text}{id}" for each in chosen}
            connection.execute(sa.update(form.table).where(form.table.c.id == id).values(new))
            then = {each.id: str(new[each.column]) for each in chosen}
            kept += rewrite_history(connection, form.id, id, then)
    assert kept
    return kept


def rewrite_history(connection: Any, form: str, record: int, values: dict[str, str]) -> list[Any]:
    """Write the same values into what is kept of the record's past."""
    version = tables.record_version
    mine = sa.and_(version.c.app == "crm", version.c.form == form, version.c.record == record)
    rows = connection.execute(sa.select(version.c.id, version.c.doc).where(mine)).all()
    for row in rows:
        changed = sa.update(version).where(version.c.id == row.id).values(doc={**(row.doc or {}), **values})
        connection.execute(changed)
    return [(version, row.id, {"doc": row.doc}) for row in rows]


def put_back(made: Installation, kept: list[Any]) -> None:
    with made.services.database.write() as connection:
        for table, id, old in kept:
            connection.execute(sa.update(table).where(table.c.id == id).values(old))


def answer(made: Installation, who: str, place: str) -> tuple[int, str]:
    """Status and bytes, without what differs with every request."""
    place = place.replace("@now", moment_text(made.services.clock()))
    place = re.sub(r"@(\w+)", lambda alias: made.id(alias[1]), place)
    told = made.browser(who).get(place, headers={"accept": "text/html" if "/api/" not in place else "*/*"})
    return told.status_code, re.sub(r'"request_id":"\w+"|request-id[^<]*<|<code>\w+</code>', "", told.text)
