"""From rows of a statement to records as somebody sees them: lists, subform rows, and labels in place of ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engines.access import Grant
from engines.actor import Actor
from engines.compiled import CompiledApp, CompiledField
from runtime.reading.question import Plan, Question
from runtime.reading.shown_columns import Wanted
from runtime.totals import late_totals

if TYPE_CHECKING:
    from runtime.transaction import Tx


@dataclass(frozen=True)
class Shown:
    """A record as the actor sees it: values by field id (system fields by name), blank where the row hides them.

    Paths stand under their ids joined by dots. `labels` say what to show for links, members and departments: a text,
    or a tuple of texts where there are several. Rows of subforms are dicts of values with "id", and their own labels
    under "labels". `expanded` holds the records that links lead to, by the link's field id. `updating` are the fields
    whose totals are about to change by a job.
    """

    id: int
    version: int
    values: Mapping[str, Any]
    labels: Mapping[str, Any] = field(default_factory=dict)
    expanded: Mapping[str, "Shown | Several | None"] = field(default_factory=dict)
    updating: frozenset[str] = frozenset()

    @property
    def etag(self) -> str:
        return f'"{self.id}.{self.version}"'


@dataclass(frozen=True)
class Several:
    """The records that a field with several values leads to, in its order; None for one that the actor does not see."""

    items: tuple[Shown | None, ...]
    has_more: bool


def show(question: Question, rows: Sequence[Any], plan: Plan, labelled: bool = True) -> list[Shown]:
    """Make records of rows: their lists and subform rows are fetched, one query for each field of all records."""
    facts, language = question.facts, question.actor.language
    values = [{key: row[key] for key in plan.scalars} for row in rows]
    labels = [
        {key: label.text(row, f"@{key}", facts, language) for key, label in plan.labels.items()} if labelled else {}
        for row in rows
    ]
    for each in plan.lists:
        ids = [row["id"] for row in rows if each.key not in plan.flagged or row[f"?{each.key}"]]
        _add_many(question, each, ids, values, labels if labelled else None)
    for each in plan.people if labelled else ():
        names = {id: called(question, each.type.name, id) for id in {value[each.key] for value in values}}
        for value, label in zip(values, labels, strict=True):
            label[each.key] = names[value[each.key]]
    late = _updating(question, plan, values) if labelled else {}
    return [
        Shown(v["id"], v.get("version", 0), v, label, updating=late.get(v["id"], frozenset()))
        for v, label in zip(values, labels, strict=True)
    ]


def _updating(question: Question, plan: Plan, values: Sequence[Mapping[str, Any]]) -> dict[int, frozenset[str]]:
    """Which of the fields that are shown are about to change; what a row hides is not told of either."""
    if not question.form.rollups or question.as_of is not None:
        return {}
    derived = {each.key for each in plan.columns if each.field is not None and each.field.is_derived}
    if not derived:
        return {}
    masks = question.view.masks
    late = late_totals.updating(question.tx, question.app, question.form, (value["id"] for value in values))
    return {
        value["id"]: frozenset(
            key for key in late[value["id"]] & derived if masks.get(key) == () or value[key] is not None
        )
        for value in values
        if value["id"] in late
    }


def called(question: Question, kind: str, id: int | None) -> str | None:
    """The name of a member or department."""
    people = question.tx.organisation
    found = (people.people if kind == "member" else people.departments).get(id) if id is not None else None
    return found.name if found is not None else None


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
    return labels_for(Question.of(tx, app, form, actor, also), ids)


def labels_for(question: Question, ids: Iterable[int]) -> dict[int, str]:
    """How these records of the form in question are called."""
    statement, label = question.called()
    rows: list[Any] = list(question.tx.connection.execute(statement, {"ids": sorted(set(ids))}).mappings())
    return {row["@:id"]: label.text(row, "@", question.facts, question.actor.language) or "" for row in rows}


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
    found: dict[int, list[Any]] = {}
    if ids:
        for record, value in question.tx.connection.execute(question.values(field), {"ids": ids}):
            found.setdefault(record, []).append(value)
    return {record: tuple(each) for record, each in found.items()}


def _names_in(question: Question, field: CompiledField, many: Mapping[int, tuple[Any, ...]]) -> dict[Any, str | None]:
    kind = field.type.of.name if field.type.of is not None else ""
    held = {each for values in many.values() for each in values}
    if kind == "link" and held and field.target is not None:
        target = question.elsewhere(field.target)
        return dict(labels_for(target, held)) if target.is_open else {}
    return {each: called(question, kind, each) for each in held} if kind in ("member", "department") else {}


def _rows(question: Question, field: CompiledField, ids: list[int], labelled: bool) -> dict[int, list[dict[str, Any]]]:
    assert field.subform is not None
    if not ids:
        return {}
    statement, plan = question.rows(field)
    rows = question.tx.connection.execute(statement, {"ids": ids}).mappings().all()
    shown = show(question, rows, plan, labelled)
    found: dict[int, list[dict[str, Any]]] = {}
    for row, each in zip(rows, shown, strict=True):
        found.setdefault(row["record"], []).append(
            {**each.values, "labels": each.labels} if labelled else dict(each.values)
        )
    return found
