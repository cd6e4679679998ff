"""Which columns an answer shows: names and paths resolved against what the actor may read, and labels of links."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engines.compiled import CompiledApp, CompiledField, CompiledForm
from engines.expressions import Environment, render
from engines.facts import Facts
from engines.relation.masked import Column, Relation
from engines.system_fields import SYSTEM_FIELDS
from metadata.expressions import DEPARTMENT_FIELDS, MEMBER_FIELDS, FieldReference, Names, Template
from metadata.problems import Invalid, Path, Problem, nearest
from metadata.value_types import ValueType

MOST_HOPS = 3


@dataclass(frozen=True)
class Wanted:
    """One column of an answer. `key` is its field id, or the ids of a path joined by dots."""

    key: str
    name: str
    path: tuple[str, ...]
    type: ValueType
    field: CompiledField | None

    @property
    def is_many(self) -> bool:
        return self.type.name in ("list", "rows")


def resolve(app: CompiledApp, names: Names, form: str, text: str, place: Path) -> Wanted:
    """Find what a name or a path (`customer.level`) means for somebody who knows these names."""
    steps = text.split(".")
    at, ids, reference = form, [], None
    for step in steps:
        known = _fields_at(names, at, reference)
        reference = known.get(step)
        if reference is None or len(steps) > MOST_HOPS + 1:
            raise unknown_field(step, known, place)
        ids.append(reference.id)
        at = reference.type.form or ""
    assert reference is not None
    holder = form if len(ids) == 1 else _holder(names, form, ids)
    field = app.forms[holder].fields.get(ids[-1]) if holder in app.forms else None
    return Wanted(".".join(ids), text, tuple(ids), reference.type, field)


def everything(form: CompiledForm, names: Names) -> tuple[Wanted, ...]:
    """All fields of a form that exist for the actor, system fields first."""
    known = names.fields(form.id)
    system = [(name, known[name]) for name in SYSTEM_FIELDS if name in known]
    own = [(name, ref) for name, ref in known.items() if name not in SYSTEM_FIELDS]
    return tuple(Wanted(ref.id, name, (ref.id,), ref.type, form.fields.get(ref.id)) for name, ref in system + own)


def unknown_field(name: str, known: Iterable[str], place: Path) -> Invalid:
    """The answer for a name that means nothing, and for one that means nothing to this actor."""
    message = {"en": f"There is no field “{name}”", "zh": f"不存在字段“{name}”"}
    return Invalid(Problem(place, "unknown_field", message, nearest(name, known)))


def _fields_at(names: Names, form: str, reference: FieldReference | None) -> Mapping[str, FieldReference]:
    if reference is None or reference.type.name == "link":
        return names.fields(form)
    if reference.type.name == "member":
        return MEMBER_FIELDS
    return DEPARTMENT_FIELDS if reference.type.name == "department" else {}


def _holder(names: Names, form: str, ids: list[str]) -> str:
    """The form that the last step of a path belongs to; none for people and departments."""
    for step in ids[:-1]:
        reference = next((each for each in names.fields(form).values() if each.id == step), None)
        form = reference.type.form or "" if reference is not None else ""
    return form


def follow(relation: Relation, path: tuple[str, ...]) -> Any:
    """The relation at which a path ends."""
    at: Any = relation
    for step in path[:-1]:
        at = at.follow(step)
    return at


# --- labels: what a link shows instead of an id ---


@dataclass(frozen=True)
class Label:
    """How records of a form are called: a template for each language, and the paths that have to be read for it.

    `linked` holds, for each path that goes through a link, the form at its end.
    """

    templates: Mapping[str, Template]
    paths: tuple[tuple[str, ...], ...]
    linked: Mapping[tuple[str, ...], str]
    plain: str | None = None

    @classmethod
    def of(cls, app: CompiledApp, form: CompiledForm) -> "Label":
        templates = form.labels or ({"": form.label} if form.label is not None else {})
        linked: dict[tuple[str, ...], str] = {}
        paths: dict[tuple[str, ...], None] = {}
        for read in sorted({read for each in templates.values() for read in each.reads if read[0] == "record"}):
            _spell_out(app, form, read[1:], paths, linked)
        only = next(iter(templates.values())) if len(templates) == 1 else None
        return cls(templates, tuple(paths), linked, _only_field(form, only) if only is not None else None)

    def columns(self, target: Relation, prefix: str) -> dict[str, Column]:
        """The columns a label is made from; their own labels begin with the prefix."""
        needed = {f"{prefix}:id": target.column("id")}
        return needed | {_key(prefix, path): follow(target, path).column(path[-1]) for path in self.paths}

    def text(self, row: Mapping[str, Any], prefix: str, facts: Facts, language: str) -> str | None:
        """The label of a record, from those columns; None where the actor does not see the record."""
        id = row[f"{prefix}:id"]
        if id is None:
            return None
        if self.plain is not None:
            return row.get(f"{prefix}:{self.plain}") or f"#{id}"
        template = self.templates.get(language) or self.templates.get("en") or next(iter(self.templates.values()), None)
        if template is None:
            return f"#{id}"
        environment = self._environment({path: row[_key(prefix, path)] for path in self.paths}, id, facts)
        return render(template, environment, language, escape=False).strip() or f"#{id}"

    def _environment(self, values: Mapping[tuple[str, ...], Any], id: int, facts: Facts) -> Environment:
        record: dict[str, Any] = {"id": id, **{path[0]: value for path, value in values.items() if len(path) == 1}}
        masked: dict[Any, dict[str, Any]] = {}
        for path, form in self.linked.items():
            target = values[path[:-1]]
            if target is not None:
                masked.setdefault((form, target), {"id": target})[path[-1]] = values[path]
        return Environment(record, facts | Facts(masked=masked), truth=False)


def _spell_out(
    app: CompiledApp,
    form: CompiledForm,
    read: tuple[str, ...],
    paths: dict[tuple[str, ...], None],
    linked: dict[tuple[str, ...], str],
) -> None:
    """Note every step of a path up to its value; people and departments are known without reading them."""
    at: CompiledForm | None = form
    for end, step in enumerate(read, start=1):
        field = at.fields.get(step) if at is not None else None
        if at is None or (field is not None and field.type.name in ("list", "rows")):
            return
        paths.setdefault(read[:end])
        if end > 1:
            linked[read[:end]] = at.id
        at = app.forms.get(field.target) if field is not None and field.target is not None else None


def _key(prefix: str, path: tuple[str, ...]) -> str:
    return f"{prefix}:{'.'.join(path)}"


def _only_field(form: CompiledForm, template: Template) -> str | None:
    """The field, where a label is nothing but the text of one."""
    text = template.text.strip()
    if not (text.startswith("{{") and text.endswith("}}") and len(template.expressions) == 1):
        return None
    field = form.fields.get(form.field_ids.get(text[2:-2].strip().removeprefix("record."), ""))
    return field.id if field is not None and field.type.name == "text" else None
