"""Puts the records that links lead to beside those shown: one query for each level and form, never one a record.

Expanded records follow the target form's own `visible()`; one that the actor does not see is None, as is no link.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.system_fields import SYSTEM_FIELDS
from metadata.expressions import FieldReference
from metadata.problems import Invalid, LimitExceeded, Path, Problem
from metadata.text import Text
from runtime.reading.question import Question
from runtime.reading.showing import Several, Shown, show
from runtime.reading.shown_columns import unknown_field

MOST_PATHS = 10
MOST_LEVELS = 3
MOST_OF_ONE = 100
MOST_ALTOGETHER = 10_000


@dataclass(frozen=True)
class Branch:
    """A field to follow, the form or subform it leads to, and the fields to follow from there, by id."""

    field: CompiledField
    to: str
    branches: "Branches"

    @property
    def is_rows(self) -> bool:
        return self.field.subform is not None

    @property
    def is_many(self) -> bool:
        return self.field.type.name in ("list", "rows")


Branches = Mapping[str, Branch]
Found = Mapping[str, Mapping[int, Shown]]


def branches_of(question: Question, paths: Sequence[str]) -> Branches:
    """The tree that paths such as customer.parent make together, checked against the names that the actor knows."""
    if len(paths) > MOST_PATHS:
        raise _too_many("expand", Path(("expand",)), len(paths), MOST_PATHS, _PATHS)
    wanted: dict[str, Any] = {}
    for index, path in enumerate(paths):
        place, steps = Path(("expand", index)), path.split(".")
        if len(steps) > MOST_LEVELS:
            raise _too_many("levels", place, len(steps), MOST_LEVELS, _LEVELS)
        _check(question, steps, place)
        at = wanted
        for step in steps:
            at = at.setdefault(step, {})
    return _tree(question, question.form, wanted)


def expand(question: Question, shown: list[Shown], branches: Branches) -> list[Shown]:
    """The records with those beside them to which the branches lead."""
    if not branches:
        return shown
    tree = _Tree(_gather(question, shown, branches))
    return [tree.with_branches(each, branches) for each in shown]


def led_to(app: CompiledApp, field: CompiledField) -> CompiledForm | None:
    """The form or subform that a field leads to; None for a plain value."""
    target = _target(field.type.of or field.type)
    return app.forms.get(target) if target else None


# --- the paths ---


def _check(question: Question, steps: Sequence[str], place: Path) -> None:
    form: CompiledForm | None = question.form
    for step in steps:
        known = question.names.fields(form.id) if form is not None else {}
        reference = known.get(step)
        if form is None or reference is None:
            raise unknown_field(step, known, place)
        field = form.fields.get(reference.id)
        form = led_to(question.app, field) if field is not None else None
        if form is None:
            raise _no_link(step, known, place)


def _tree(question: Question, form: CompiledForm, wanted: Mapping[str, Any]) -> Branches:
    branches: dict[str, Branch] = {}
    for name, below in wanted.items():
        field = form.fields[question.names.fields(form.id)[name].id]
        target = led_to(question.app, field)
        assert target is not None
        branches[field.id] = Branch(field, target.id, _tree(question, target, below))
    return branches


def _target(type: Any) -> str:
    return (type.form or "") if type.name in ("link", "rows") else ""


def _no_link(name: str, known: Mapping[str, FieldReference], place: Path) -> Invalid:
    led = [each.name for each in known.values() if _target(each.type.of or each.type)]
    links = sorted(set(led) - set(SYSTEM_FIELDS))
    message = {"en": f"“{name}” leads to no records", "zh": f"“{name}”不是关联字段"}
    hint = {"en": f"Links here are {', '.join(links)}", "zh": f"可展开的字段：{'、'.join(links)}"} if links else ""
    return Invalid(Problem(place, "not_a_link", message, hint))


_PATHS = (
    {"en": f"At most {MOST_PATHS} paths are expanded", "zh": f"最多展开 {MOST_PATHS} 条路径"},
    {"en": "Ask for some of them in another request", "zh": "请分多次请求"},
)
_LEVELS = (
    {"en": f"A path goes {MOST_LEVELS} levels deep at most", "zh": f"路径最多 {MOST_LEVELS} 层"},
    {"en": "Read the record at its end, and expand from there", "zh": "请先读取路径末端的记录，再从该记录展开"},
)
_RECORDS = (
    {
        "en": f"These paths lead to more than {MOST_ALTOGETHER:,} records",
        "zh": f"这些路径关联的记录超过 {MOST_ALTOGETHER} 条",
    },
    {"en": "Ask for a smaller page, or for fewer paths", "zh": "请减小每页条数或减少路径"},
)


def _too_many(name: str, place: Path, actual: int, most: int, words: tuple[Text, Text]) -> LimitExceeded:
    limit = {"name": name, "max": most, "actual": actual}
    return LimitExceeded(Problem(place, "limit_exceeded", words[0], words[1], limit))


# --- the records, level by level ---


def _gather(question: Question, shown: Sequence[Shown], branches: Branches) -> Found:
    """All records that the branches lead to, by form and id."""
    found: dict[str, dict[int, Shown]] = {}
    level = [(branch, tuple(shown)) for branch in branches.values()]
    while level:
        wanted: dict[str, set[int]] = {}
        for branch, sources in level:
            if not branch.is_rows:
                wanted.setdefault(branch.to, set()).update(id for each in sources for id in _ids(branch, each))
        for form, ids in wanted.items():
            new = ids - found.setdefault(form, {}).keys()
            found[form].update(_records(question, form, new))
        level = [
            (below, _unique(_ends(branch, sources, found)))
            for branch, sources in level
            for below in branch.branches.values()
        ]
    return found


def _ends(branch: Branch, sources: Iterable[Shown], found: Found) -> list[Shown]:
    """The records or rows at the end of a branch that the actor sees."""
    if branch.is_rows:
        return [row for each in sources for row in _rows(branch, each)[:MOST_OF_ONE]]
    known = found[branch.to]
    return [known[id] for each in sources for id in _ids(branch, each) if id in known]


def _unique(records: Iterable[Shown]) -> tuple[Shown, ...]:
    return tuple({each.id: each for each in records}.values())


def _ids(branch: Branch, source: Shown) -> tuple[int, ...]:
    """The ids that a record holds in the field, as far as they are followed."""
    held = source.values.get(branch.field.id)
    if held is None:
        return ()
    return tuple(held)[:MOST_OF_ONE] if branch.is_many else (held,)


def _rows(branch: Branch, source: Shown) -> list[Shown]:
    """The rows of a subform are at hand already."""
    held = source.values.get(branch.field.id) or ()
    return [
        Shown(row["id"], 0, {key: each for key, each in row.items() if key != "labels"}, row.get("labels", {}))
        for row in held
    ]


def _records(question: Question, form: str, ids: set[int]) -> dict[int, Shown]:
    target = question.elsewhere(form)
    if not ids or not target.is_open:
        return {}
    if len(ids) > MOST_ALTOGETHER:
        raise _too_many("expanded", Path(("expand",)), len(ids), MOST_ALTOGETHER, _RECORDS)
    statement, plan = target.some(None)
    rows = question.tx.connection.execute(statement, {"ids": sorted(ids)}).mappings().all()
    return {each.id: each for each in show(target, rows, plan)}


# --- putting them together ---


class _Tree:
    """Puts each record wherever a branch leads to it, as long as the answer stays of a reasonable size."""

    def __init__(self, found: Found) -> None:
        self._found = found
        self._placed = 0

    def with_branches(self, record: Shown, branches: Branches) -> Shown:
        self._placed += 1
        if self._placed > MOST_ALTOGETHER:
            raise _too_many("expanded", Path(("expand",)), self._placed, MOST_ALTOGETHER, _RECORDS)
        if not branches:
            return record
        return replace(record, expanded={id: self._end(record, branch) for id, branch in branches.items()})

    def _end(self, record: Shown, branch: Branch) -> Shown | Several | None:
        held = record.values.get(branch.field.id)
        if held is None:
            return None
        if not branch.is_many:
            return self._placed_at(branch, held)
        if branch.is_rows:
            rows = [self.with_branches(each, branch.branches) for each in _rows(branch, record)[:MOST_OF_ONE]]
            return Several(tuple(rows), len(held) > MOST_OF_ONE)
        ends = [self._placed_at(branch, id) for id in _ids(branch, record)]
        return Several(tuple(ends), len(held) > MOST_OF_ONE)

    def _placed_at(self, branch: Branch, id: int) -> Shown | None:
        known = self._found[branch.to].get(id)
        return None if known is None else self.with_branches(known, branch.branches)
