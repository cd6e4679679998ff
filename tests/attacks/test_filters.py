"""Filters, sorts and parameters made to break something: each is answered in time, and no answer is an accident."""

import time
from typing import Any

import pytest
import sqlalchemy as sa

from tests.attacks.conftest import Installation

DEEP = 40
BOMBS = {
    "deep brackets": "(" * 900 + "1 == 1" + ")" * 900,
    "deep not": "not " * 400 + "true",
    "deep minus": "-" * 400 + "1 < 0",
    "long and": " and ".join(["amount > 1"] * 120),
    "long or of texts": " or ".join(f"contains(name, '{i}')" for i in range(70)),
    "long sum": "+".join(["amount"] * 250) + " > 0",
    "deep if": "if(amount > 1, " * DEEP + "1" + ", 2)" * DEEP + " > 0",
    "deep dates": "EDATE(" * DEEP + "close_date" + ", 1)" * DEEP + " > today",
    "deep added days": "DATEADD(" * DEEP + "close_date" + ", 1, 'day')" * DEEP + " > today",
    "deep texts": "upper(" * DEEP + "name" + ")" * DEEP + " == 'X'",
    "doubling text": "len(" + "CONCAT(" * 20 + "name" + ", name)" * 20 + ") > 1",
    "repeat": "len(REPT(REPT('aaaaaaaaaa', 10000), 10000)) > 1",
    "power": "9 ** 9 ** 9 > 1",
    "powers": "POWER(POWER(amount, 1000), 1000) > 1",
    "large": "amount * 999999999999999 * 999999999999999 > 1",
    "long number": "amount == " + "9" * 1500,
    "exponent": "amount == 1e999",
    "division": "amount / 0 > 1 or 1 / (amount - amount) > 1",
    "modulo": "amount % 0 == 0",
    "list": "amount in [" + ",".join(map(str, range(380))) + "]",
    "texts": "name in [" + ",".join(f"'{i}'" for i in range(300)) + "]",
    "impossible date": "close_date == date(2026, 2, 31)",
    "far date": "close_date + 999999999 > today",
    "far years": "EDATE(close_date, 999999999999) > today",
    "nested rows": "any(any(g.content == f.content for g in follow_ups) for f in follow_ups)",
    "rows of rows": "sum(len(f.content) for f in follow_ups) > 0",
    "round": "round(amount, 999999) > 1",
    "mid": "mid(name, -5, 99999999999999999999) == ''",
    "left": "left(name, 1e30) == ''",
    "like": "contains(name, '%%%%%%_____\\\\')",
    "walk": "().__class__.__bases__[0].__subclasses__() == 1",
    "attribute": "name.__class__ == 1",
    "import": "__import__('os').system('true') == 0",
    "lambda": "(lambda: 1)() == 1",
    "format": "'{0.__class__}'.format(name) == ''",
    "f-string": "f'{name}' == ''",
    "walrus": "(x := 1) == 1",
    "star": "max(*follow_ups) == 1",
    "template": "'{{ 7*7 }}' == name",
    "quotes": "name == '''; drop table ff_member; --'''",
    "semicolon": "amount > 1; drop table ff_member",
    "comment": "amount > 1 -- x",
    "nothing": "''",
    "spaces": " " * 1900,
    "line break": "amount > 1\nor 1 == 1",
    "right to left": "name == '\u202e'",
    "lone surrogate": "name == '\\ud800'",
    "full width": "amount > 1",
    "emoji": "name == '🏴‍☠️'",
}  # fmt: skip
SORTS = (
    "amount," * 50,
    "-" * 100,
    "--amount",
    "amount desc",
    "follow_ups",
    "customer.customer.name",
    "id;",
    "(select 1)",
    "é",
)
OTHERS = (
    *("size=0", "size=-1", "size=²", "size=99999999999999999999", "page=0", "page=99999999999999999999", "page=1e9"),
    *("cursor=x", "cursor=W10", "cursor=bnVsbA", "cursor=eyJhIjoxfQ", "cursor=WyJhIiwiYiJd", "cursor=" + "A" * 1999),
    *("count=all", "expand=name", "expand=owner", "expand=" + "customer," * 20, "fields=" + "name," * 700),
    *("search=" + "a " * 40, "search=%25%25", "search=\\", "search=%ed%a0%80", "search=" + "a" * 999),
    *("filter=a&filter=b", "fields=&fields=", "__proto__=1", "filter[]=1", "nonsense", "=", "&&&&"),
)


def test_no_filter_is_an_accident(filled: Installation) -> None:
    slow: list[str] = []
    for name, text in BOMBS.items():
        started = time.perf_counter()
        answer = ask(filled, "sam", {"filter": text})
        if answer.status_code not in (200, 422):
            slow.append(f"{name} {answer.status_code}")
        if time.perf_counter() - started > 5:
            slow.append(name)
    assert not slow


def test_no_sort_page_or_cursor_is_an_accident(filled: Installation) -> None:
    for sort in SORTS:
        assert ask(filled, "sam", {"sort": sort}).status_code in (200, 422), sort
    for other in OTHERS:
        answer = filled.browser("sam").get(filled.place("opportunity") + "?" + other)
        assert answer.status_code in (200, 400, 422), (other, answer.text[:300])


@pytest.mark.parametrize(
    "page", ["/apps/crm/forms/opportunity", "/apps/crm/forms/opportunity/trash", "/pick/crm/customer"]
)
def test_the_pages_take_the_same_beating(filled: Installation, page: str) -> None:
    browser = filled.browser("sam")
    told = [("filter", each) for each in BOMBS.values()] + [("sort", each) for each in SORTS]
    told += [("q", each) for each in ("%", "\\", "a " * 99, "\u202e")] + [
        ("page", "²"),
        ("page", "9" * 30),
        ("size", "x"),
    ]
    for name, value in told:
        answer = browser.get(page, params={name: value}, headers={"accept": "text/html"})
        assert answer.status_code < 500, (name, value, answer.text[-800:])


@pytest.mark.parametrize("way", ["/api/v1/apps/crm/reports", "/apps/crm/reports"])
def test_no_parameter_of_a_report_is_an_accident(filled: Installation, way: str) -> None:
    values = ("", "x", "²", "-1", "9" * 30, "NaN", "1e999999", "2026-13-45", "00000000199999999999999999")
    browser = filled.browser("sam")
    wrong: list[str] = []
    for report, dimension in (
        *(("pipeline_funnel", "stage"), ("leaderboard", "owner"), ("new_opportunities", "created_at")),
        *(("receipts_by_month", "due_on"), ("receipts_by_seller", "record.owner"), ("losses", "zz")),
    ):
        asked = [f"?seller={each}" for each in values] + [f"/records?group.{dimension}={each}" for each in values]
        asked += [f"/records?{name}={each}" for name in ("page", "size", "number") for each in values]
        for each in asked:
            answer = browser.get(f"{way}/{report}{each}")
            wrong += [f"{report}{each} {answer.text[-300:]}"] if answer.status_code >= 500 else []
    assert not wrong, "\n".join(wrong)


def ask(made: Installation, who: str, params: dict[str, Any]) -> Any:
    return made.browser(who).get(made.place("opportunity"), params=params)


LINKS = {
    "opportunity": ("customer", "owner", "department", "customer.owner", "customer.updated_by"),
    "contract": ("customer", "opportunity", "finance_contact", "owner", "customer.owner", "opportunity.customer"),
    "contact": ("customer", "created_by", "customer.department"),
    "task": ("customer", "assignee"),
    "lead": ("territory", "owner"),
}


@pytest.mark.parametrize("who", ["sam", "mona", "fred", "lena", "sol"])
def test_an_id_finds_where_it_is_shown_and_nowhere_else(filled: Installation, who: str) -> None:
    known = {str(id) for _, id in filled.records.values()} | {str(id) for id in filled.people.values()}
    for form, links in LINKS.items():
        for link in links:
            shown = values_of(filled, who, form, link)
            for id in sorted(known & truly(filled, form, link)) + ["9223372036854775807"]:
                if shown is None:
                    refused = asked(filled, who, form, f'{link} == "{id}"')
                    same = asked(filled, who, form, f'{link} == "1"')
                    assert refused == same, (form, link)
                    continue
                showing = {record for record, value in shown.items() if value == id}
                for text in (f'{link} == "{id}"', f'{link} in ["{id}", "1"]', f'not ({link} != "{id}")'):
                    assert found(filled, who, form, text) == showing, (who, form, text)
                apart = found(filled, who, form, f'{link} not in ["{id}"]')
                assert apart == set(shown) - showing, (who, form, link)


def truly(made: Installation, form: str, link: str) -> set[str]:
    """The ids that stand in a link, whoever may see them; of a path, those that stand behind it."""
    first, _, second = link.partition(".")
    if second:
        return truly(made, first, second)
    compiled = made.app.form(form)
    described = compiled.field(first)
    column = compiled.table.c[described.column if described is not None and described.column else first]
    with made.services.database.read() as connection:
        return {str(each) for each in connection.scalars(sa.select(column).distinct()) if each}


def values_of(made: Installation, who: str, form: str, link: str) -> dict[str, Any] | None:
    """What a list shows of a link in each record; None where the field does not exist for him."""
    answer = made.browser(who).get(made.place(form), params={"fields": link, "size": 100})
    if answer.status_code != 200:
        return None
    return {each["id"]: each["values"].get(link, each.get(link)) for each in answer.json()["items"]}


def found(made: Installation, who: str, form: str, text: str) -> set[str]:
    answer = made.browser(who).get(made.place(form), params={"filter": text, "size": 100})
    assert answer.status_code == 200, (text, answer.text)
    return {each["id"] for each in answer.json()["items"]}


def asked(made: Installation, who: str, form: str, text: str) -> dict[str, Any]:
    answer = made.browser(who).get(made.place(form), params={"filter": text})
    assert answer.status_code in (404, 422), (text, answer.text)
    told: dict[str, Any] = answer.json()
    return {name: value for name, value in told.items() if name != "request_id"}
