"""Reading records as the actor may see them: one, or a list filtered, searched, sorted and paged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from engines.access import Grant
from engines.actor import Actor
from engines.compiled import CompiledApp, CompiledField
from metadata.problems import Invalid, LimitExceeded, Path, Problem
from runtime.paging import after, read_cursor, write_cursor
from runtime.question import Plan, Question, among, facts_of, no_record, task_grants
from runtime.shown_columns import Wanted, resolve

if TYPE_CHECKING:
    from runtime.transaction import Tx

PAGE_SIZE = 50
LARGEST_PAGE = 200
LARGEST_OFFSET = 10_000
MOST_EXPANDED = 10
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
    """What somebody wants to see of a form. `fields`, `sort` and `expand` are names or paths such as customer.level.

    `count` says how the total is found: "capped" at 1,000, "exact", or "none". `deleted` lists the trash.
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


@dataclass(frozen=True)
class Shown:
    """A record as the actor sees it: values by field id (system fields by name), blank where the row hides them.

    Paths stand under their ids joined by dots. `labels` say what to show for links, members and departments: a text,
    or a tuple of texts where there are several. Rows of subforms are dicts of values with "id", and their own labels
    under "labels". `expanded` holds the records that links lead to, by the link's field id.
    """

    id: int
    version: int
    values: Mapping[str, Any]
    labels: Mapping[str, Any] = field(default_factory=dict)
    expanded: Mapping[str, "Shown | None"] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        return f'"{self.id}.{self.version}"'


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
) -> Shown:
    """Give one record as the actor sees it, by his roles or an open task; NotFound tells nothing about it."""
    also = () if deleted else task_grants(tx, app, actor or tx.actor)
    question = Question.of(tx, app, form, actor, also, deleted)
    statement, plan = question.one(fields)
    row = tx.connection.execute(statement, {"record_id": id}).mappings().first()
    if row is None:
        raise no_record()
    return _shown(question, [row], plan, expand)[0]


def list_records(
    tx: "Tx", app: CompiledApp, form: str, query: ListQuery | None = None, *, actor: Actor | None = None
) -> Page:
    """Give a page of the records of a form that the actor may see."""
    query = query or ListQuery()
    _check_limits(query)
    question = Question.of(tx, app, form, actor, (), query.deleted)
    statement, plan = question.page(query.filter, query.sort, query.search, query.fields)
    if query.cursor:
        statement = statement.where(after(plan.order, read_cursor(query.cursor, plan.order)))
    offset = 0 if query.cursor else (query.page - 1) * query.size
    found = tx.connection.execute(statement, {"page_limit": query.size + 1, "page_offset": offset}).mappings().all()
    rows: list[Any] = list(found[: query.size])
    has_more = len(found) > query.size
    total = _total(question, query, offset, len(rows), has_more)
    capped = query.count == "capped" and total is not None and total > COUNTED_TO
    cursor = write_cursor(rows[-1], plan.order) if has_more else None
    items = tuple(_shown(question, rows, plan, query.expand))
    shown_total = COUNTED_TO if capped else total
    return Page(items, plan.columns, query.page, query.size, shown_total, capped, has_more, cursor)


def count_records(tx: "Tx", app: CompiledApp, form: str, query: ListQuery, *, actor: Actor | None = None) -> int:
    """Count exactly the records that a list would show."""
    _check_limits(query)
    return _count(Question.of(tx, app, form, actor, (), query.deleted), query, None)


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
    return frozenset(masked_records(tx, app, form, ids, actor=actor, fields=()))


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
    return {each.id: each.values for each in _shown(question, rows, plan, (), labelled=False)}


def shown_records(
    tx: "Tx",
    app: CompiledApp,
    form: str,
    ids: Sequence[int],
    *,
    actor: Actor | None = None,
    fields: Sequence[str] | None = None,
) -> list[Shown]:
    """These records as the actor sees them, with labels, in the order of the ids; those he may not see are left out."""
    question = Question.of(tx, app, form, actor)
    statement, plan = question.some(fields)
    rows = tx.connection.execute(statement, {"ids": sorted(set(ids))}).mappings().all()
    found = {each.id: each for each in _shown(question, rows, plan, ())}
    return [found[id] for id in ids if id in found]


def labels_of(
    tx: "Tx",
    app: CompiledApp,
    form: str,
    ids: Iterable[int],
    *,
    actor: Actor | None = None,
    also: tuple[Grant, ...] = (),
) -> dict[int, str]:
    """How these records are called; those the actor does not see are left out."""
    question = Question.of(tx, app, form, actor, also)
    statement, label = question.called()
    rows: list[Any] = list(tx.connection.execute(statement, {"ids": sorted(set(ids))}).mappings())
    return {row["@:id"]: label.text(row, "@", question.facts, question.actor.language) or "" for row in rows}


def pick(
    tx: "Tx", app: CompiledApp, form: str, search: str, *, most: int = 20, actor: Actor | None = None
) -> list[tuple[int, str]]:
    """Records to choose from for a link: those the actor may see whose searchable text holds the words."""
    page = list_records(tx, app, form, ListQuery(search=search, size=most, fields=(), count="none"), actor=actor)
    called = labels_of(tx, app, form, [each.id for each in page.items], actor=actor)
    return [(each.id, called.get(each.id, f"#{each.id}")) for each in page.items]


# --- limits and totals ---


def _check_limits(query: ListQuery) -> None:
    limits = [
        ("size", query.size, 1, LARGEST_PAGE),
        ("page", query.page, 1, None),
        ("expand", len(query.expand), 0, MOST_EXPANDED),
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
    limit = {"name": name, "maximum": most, "actual": actual}
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


# --- from rows to what is shown ---


def _shown(
    question: Question, rows: Sequence[Any], plan: Plan, expand: Sequence[str], labelled: bool = True
) -> list[Shown]:
    """Make records of rows: their lists and subform rows are fetched, one query for each field of all records."""
    facts, language = question.facts, question.actor.language
    scalars = [each.key for each in plan.columns if not each.is_many]
    values = [{key: row[key] for key in scalars} for row in rows]
    labels = [
        {key: label.text(row, f"@{key}", facts, language) for key, label in plan.labels.items()} if labelled else {}
        for row in rows
    ]
    for each in plan.columns:
        if each.is_many and len(each.path) == 1:
            ids = [row["id"] for row in rows if each.key not in plan.flagged or row[f"?{each.key}"]]
            _add_many(question, each, ids, values, labels if labelled else None)
        elif labelled and each.type.name in ("member", "department"):
            names = {id: called(question, each.type.name, id) for id in {value[each.key] for value in values}}
            for value, label in zip(values, labels, strict=True):
                label[each.key] = names[value[each.key]]
    shown = [Shown(v["id"], v.get("version", 0), v, label) for v, label in zip(values, labels, strict=True)]
    return _expanded(question, shown, expand) if expand else shown


def called(question: Question, kind: str, id: int | None) -> str | None:
    """The name of a member or department."""
    people = question.tx.organisation
    found = (people.people if kind == "member" else people.departments).get(id) if id is not None else None
    return found.name if found is not None else None


def _add_many(
    question: Question, wanted: Wanted, ids: list[int], values: list[dict[str, Any]], labels: list[Any] | None
) -> None:
    field = wanted.field
    assert field is not None
    many: dict[int, Any] = (
        dict(_rows(question, field, ids, labels is not None)) if field.subform else dict(_lists(question, field, ids))
    )
    called_so = _names_in(question, field, many) if labels is not None and not field.subform else {}
    for index, value in enumerate(values):
        value[wanted.key] = many.get(value["id"], [] if field.subform else ()) if value["id"] in ids else None
        if labels is not None and called_so and value[wanted.key]:
            labels[index][wanted.key] = tuple(called_so.get(each) for each in value[wanted.key])


def _lists(question: Question, field: CompiledField, ids: list[int]) -> dict[int, tuple[Any, ...]]:
    table = field.side_table
    assert table is not None
    statement = question.app.memory.remember(
        ("list", field.id),
        lambda: (
            sa.select(table.c.record, table.c.value)
            .where(among(table.c.record))
            .order_by(table.c.record, table.c.position)
        ),
    )
    found: dict[int, list[Any]] = {}
    if ids:
        for record, value in question.tx.connection.execute(statement, {"ids": ids}):
            found.setdefault(record, []).append(value)
    return {record: tuple(each) for record, each in found.items()}


def _names_in(question: Question, field: CompiledField, many: Mapping[int, tuple[Any, ...]]) -> dict[Any, str | None]:
    kind = field.type.of.name if field.type.of is not None else ""
    held = {each for values in many.values() for each in values}
    if kind == "link" and held and field.target is not None and may_see(question, field.target):
        return dict(labels_of(question.tx, question.app, field.target, held, actor=question.actor))
    return {each: called(question, kind, each) for each in held} if kind in ("member", "department") else {}


def may_see(question: Question, form: str) -> bool:
    return Question(question.tx, question.app, question.app.forms[form], question.actor).view.grants != ()


def _rows(question: Question, field: CompiledField, ids: list[int], labelled: bool) -> dict[int, list[dict[str, Any]]]:
    assert field.subform is not None
    if not ids:
        return {}
    statement, plan = question.rows(field)
    rows = question.tx.connection.execute(statement, {"ids": ids}).mappings().all()
    shown = _shown(question, rows, plan, (), labelled)
    found: dict[int, list[dict[str, Any]]] = {}
    for row, each in zip(rows, shown, strict=True):
        found.setdefault(row["record"], []).append(
            {**each.values, "labels": each.labels} if labelled else dict(each.values)
        )
    return found


def _expanded(question: Question, shown: list[Shown], expand: Sequence[str]) -> list[Shown]:
    """Put the records beside their links that these lead to, as the actor sees them."""
    for text in expand:
        wanted = resolve(question.app, question.names, question.form.id, text, Path(("expand",)))
        if wanted.type.name != "link" or len(wanted.path) > 1:
            message = {"en": f"“{text}” is no link", "zh": f"“{text}”不是关联字段"}
            raise Invalid(Problem(Path(("expand",)), "not_a_link", message))
        targets = {each.values.get(wanted.key) for each in shown} - {None}
        found = _targets(question, wanted.type.form or "", targets)
        shown = [
            Shown(e.id, e.version, e.values, e.labels, {**e.expanded, wanted.key: found.get(e.values.get(wanted.key))})
            for e in shown
        ]
    return shown


def _targets(question: Question, form: str, ids: set[Any]) -> dict[Any, Shown]:
    if not ids or not may_see(question, form):
        return {}
    target = Question(question.tx, question.app, question.app.forms[form], question.actor)
    statement, plan = target.some(None)
    rows = question.tx.connection.execute(statement, {"ids": sorted(ids)}).mappings().all()
    return {each.id: each for each in _shown(target, rows, plan, ())}
