"""Reading records as the actor may see them: one, or a list filtered, searched, sorted and paged."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from engines.access import Grant
from engines.actor import Actor
from engines.compiled import CompiledApp
from metadata.problems import Invalid, LimitExceeded, Path, Problem
from runtime.facts import facts_of
from runtime.flows.task_access import task_grants
from runtime.reading import expanding, slow_lists
from runtime.reading.expanding import Branches
from runtime.reading.paging import after, read_cursor, write_cursor
from runtime.reading.question import Plan, Question
from runtime.reading.refusals import no_record
from runtime.reading.showing import Shown, labels_of, show
from runtime.reading.shown_columns import Wanted

if TYPE_CHECKING:
    from runtime.transaction import Tx

PAGE_SIZE = 50
LARGEST_PAGE = 200
LARGEST_OFFSET = 10_000
MOST_WORDS = 8
LONGEST_SEARCH = 200
COUNTED_TO = 1_000

__all__ = [
    "ListQuery",
    "Page",
    "Shown",
    "count_records",
    "facts_of",
    "get",
    "ids_matching",
    "labels_of",
    "list_records",
    "masked_records",
    "pick",
    "readable_ids",
    "shown_records",
]


@dataclass(frozen=True)
class ListQuery:
    """What somebody wants to see of a form. `fields` and `sort` are names or paths such as customer.level.

    `expand` are links to follow, or paths of them, whether or not `fields` names them (`runtime/reading/expanding.py`).
    `count` says how the total is found: "capped" at 1,000, "exact", or "none". `deleted` lists the trash. `as_of` lists
    the records as they were at a moment, to whoever may see their history.
    """

    filter: str = ""
    sort: str = ""
    fields: tuple[str, ...] | None = None
    expand: tuple[str, ...] = ()
    search: str = ""
    page: int = 1
    size: int = PAGE_SIZE
    cursor: str = ""
    count: Literal["capped", "exact", "none"] = "capped"
    deleted: bool = False
    as_of: datetime | None = None


@dataclass(frozen=True)
class Page:
    """One page of a list. `total` is None where nobody counted; `is_capped` says that there are more than that."""

    items: tuple[Shown, ...]
    columns: tuple[Wanted, ...]
    page: int
    size: int
    total: int | None
    is_capped: bool
    has_more: bool
    cursor: str | None


def get(
    tx: "Tx",
    app: CompiledApp,
    form: str,
    id: int,
    *,
    actor: Actor | None = None,
    fields: Sequence[str] | None = None,
    expand: Sequence[str] = (),
    deleted: bool = False,
    as_of: datetime | None = None,
) -> Shown:
    """Give one record as the actor sees it, by his roles or an open task; NotFound tells nothing about it."""
    also = () if deleted or as_of is not None else task_grants(tx, app, actor or tx.actor)
    question = Question.of(tx, app, form, actor, also, deleted, as_of)
    branches = expanding.branches_of(question, expand)
    names = _with_links(fields, branches)
    statement, plan = question.one(names)
    row = tx.connection.execute(statement, {"record_id": id}).mappings().first()
    if row is None:
        raise no_record()
    columns = plan.columns if names == fields else question.wanted(fields)
    return _expanded(question, show(question, [row], plan), branches, columns)[0]


def list_records(
    tx: "Tx", app: CompiledApp, form: str, query: ListQuery | None = None, *, actor: Actor | None = None
) -> Page:
    """Give a page of the records of a form that the actor may see."""
    query = query or ListQuery()
    _check_limits(query)
    question = Question.of(tx, app, form, actor, (), query.deleted, query.as_of)
    branches = expanding.branches_of(question, query.expand)
    names = _with_links(query.fields, branches)
    found_by = names if query.as_of is None else ()  # what was is worked out for the records of the page only
    statement, plan = question.page(query.filter, query.sort, query.search, found_by)
    if query.cursor:
        statement = statement.where(after(plan.order, read_cursor(query.cursor, plan.order)))
    offset = 0 if query.cursor else (query.page - 1) * query.size
    started = time.monotonic()
    found = tx.connection.execute(statement, {"page_limit": query.size + 1, "page_offset": offset}).mappings().all()
    rows: list[Any] = list(found[: query.size])
    has_more = len(found) > query.size
    total = _total(question, query, offset, len(rows), has_more)
    if query.as_of is None:  # an index of today's table would not help
        slow_lists.note(question, query.filter, query.sort, time.monotonic() - started)
    capped = query.count == "capped" and total is not None and total > COUNTED_TO
    cursor = write_cursor(rows[-1], plan.order) if has_more else None
    if query.as_of is not None:
        rows, plan = _in_full(question, rows, names)
    columns = plan.columns if names == query.fields else question.wanted(query.fields)
    items = tuple(_expanded(question, show(question, rows, plan), branches, columns))
    shown_total = COUNTED_TO if capped else total
    return Page(items, columns, query.page, query.size, shown_total, capped, has_more, cursor)


def count_records(tx: "Tx", app: CompiledApp, form: str, query: ListQuery, *, actor: Actor | None = None) -> int:
    """Count exactly the records that a list would show."""
    _check_limits(query)
    return _count(Question.of(tx, app, form, actor, (), query.deleted, query.as_of), query, None)


def ids_matching(
    tx: "Tx", app: CompiledApp, form: str, query: ListQuery, most: int, *, actor: Actor | None = None
) -> list[int]:
    """The ids that a list would show, in their order and at most so many: for acts on many records at once."""
    _check_limits(query)
    question = Question.of(tx, app, form, actor, (), query.deleted)
    statement = question.ids(query.filter, query.search)
    return sorted(row.id for row in tx.connection.execute(statement.limit(most)))


def readable_ids(
    tx: "Tx", app: CompiledApp, form: str, ids: Iterable[int], *, actor: Actor | None = None
) -> frozenset[int]:
    """Which of these records the actor may see."""
    question, wanted = Question.of(tx, app, form, actor), sorted(set(ids))
    if len(wanted) == 1:  # as each link of a save is looked at; a statement that is always the same
        (statement, _), asked = question.one(()), wanted[0]
        return frozenset(row.id for row in tx.connection.execute(statement, {"record_id": asked}))
    statement, _ = question.some(())
    return frozenset(row.id for row in tx.connection.execute(statement, {"ids": wanted}))


def masked_records(
    tx: "Tx",
    app: CompiledApp,
    form: str,
    ids: Iterable[int],
    *,
    actor: Actor | None = None,
    fields: Sequence[str] | None = None,
) -> dict[int, Mapping[str, Any]]:
    """These records as the actor sees them: plain values by field id; those he may not see are left out."""
    question = Question.of(tx, app, form, actor)
    statement, plan = question.some(fields)
    rows = tx.connection.execute(statement, {"ids": sorted(set(ids))}).mappings().all()
    return {each.id: each.values for each in show(question, rows, plan, labelled=False)}


def shown_records(
    tx: "Tx",
    app: CompiledApp,
    form: str,
    ids: Sequence[int],
    *,
    actor: Actor | None = None,
    fields: Sequence[str] | None = None,
    also: tuple[Grant, ...] = (),
    as_of: datetime | None = None,
) -> list[Shown]:
    """These records as the actor sees them, with labels, in the order of the ids; those he may not see are left out."""
    question = Question.of(tx, app, form, actor, also, as_of=as_of)
    statement, plan = question.some(fields)
    rows = tx.connection.execute(statement, {"ids": sorted(set(ids))}).mappings().all()
    found = {each.id: each for each in show(question, rows, plan)}
    return [found[id] for id in ids if id in found]


def pick(
    tx: "Tx", app: CompiledApp, form: str, search: str, *, most: int = 20, actor: Actor | None = None
) -> list[tuple[int, str]]:
    """Records to choose from for a link: those the actor may see whose searchable text holds the words."""
    page = list_records(tx, app, form, ListQuery(search=search, size=most, fields=(), count="none"), actor=actor)
    called = labels_of(tx, app, form, [each.id for each in page.items], actor=actor)
    return [(each.id, called.get(each.id, f"#{each.id}")) for each in page.items]


def _in_full(question: Question, rows: Sequence[Any], names: Sequence[str] | None) -> tuple[list[Any], Plan]:
    """The same records with all columns asked for, in the same order."""
    statement, plan = question.some(names)
    ids = [row["id"] for row in rows]
    found = {row["id"]: row for row in question.tx.connection.execute(statement, {"ids": ids}).mappings()}
    return [found[id] for id in ids if id in found], plan


# --- what links lead to ---


def _with_links(names: Sequence[str] | None, branches: Branches) -> Sequence[str] | None:
    """The fields asked for, and the links to follow from the record, asked for or not."""
    if names is None:
        return None
    more = [each.field.name for each in branches.values() if each.field.name not in names]
    return (*names, *more) if more else names


def _expanded(question: Question, shown: list[Shown], branches: Branches, columns: Sequence[Wanted]) -> list[Shown]:
    """The records with those beside them that links lead to, and no field that was read for its link only."""
    found = expanding.expand(question, shown, branches)
    keys = {each.key for each in columns}
    return [each if each.values.keys() <= keys else _narrowed(each, keys) for each in found]


def _narrowed(shown: Shown, keys: set[str]) -> Shown:
    values = {key: each for key, each in shown.values.items() if key in keys}
    return replace(shown, values=values, labels={key: each for key, each in shown.labels.items() if key in keys})


# --- limits and totals ---


def _check_limits(query: ListQuery) -> None:
    limits = [
        ("size", query.size, 1, LARGEST_PAGE),
        ("page", query.page, 1, None),
        ("search", len(query.search), 0, LONGEST_SEARCH),
        ("search", len(query.search.split()), 0, MOST_WORDS),
    ]
    for name, actual, least, most in limits:
        if actual < least or (most is not None and actual > most):
            raise _too_much(name, actual, most or least)
    if "\x00" in query.search:
        raise Invalid(Problem(Path(("search",)), "bad_text", {"en": "This is no text", "zh": "不是有效的文本"}))
    if not query.cursor and query.page * query.size > LARGEST_OFFSET:
        hint = {"en": "Use the cursor of the page before, or a filter", "zh": "请使用上一页返回的游标或筛选条件"}
        raise _too_much("page", query.page, LARGEST_OFFSET // query.size, hint)


def _too_much(name: str, actual: int, most: int, hint: Any = "") -> LimitExceeded:
    message = {
        "en": f"“{name}” is out of range: {actual}, allowed {most}",
        "zh": f"“{name}”超出范围：{actual}，允许 {most}",
    }
    limit = {"name": name, "max": most, "actual": actual}
    return LimitExceeded(Problem(Path((name,)), "limit_exceeded", message, hint, limit))


def _total(question: Question, query: ListQuery, offset: int, shown: int, has_more: bool) -> int | None:
    if query.count == "none":
        return None
    if not has_more and not query.cursor and (shown or not offset):
        return offset + shown
    return _count(question, query, COUNTED_TO + 1 if query.count == "capped" else None)


def _count(question: Question, query: ListQuery, most: int | None) -> int:
    counted = question.counted(query.filter, query.search, most)
    return question.tx.connection.execute(counted).scalar_one()
