"""Who may do what with which records and fields: compiled once per app, then asked for every read and write."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, get_args

from engines.actor import Actor, system
from engines.compiled import SYSTEM_FIELDS, CompiledApp, CompiledField, CompiledForm
from engines.expressions import Environment, Moment, NotPushable, evaluate, missing_records
from engines.facts import Facts, RecordKey, Values
from engines.past import Past
from engines.relation import LookingBack, Reading, Relation
from engines.sources import as_shown, is_declassified, shown_in_rows, sources_of, sources_of_rows
from metadata.access import Verb
from metadata.expressions import Expression, FieldReference, Names, Scope, check, fail_closed
from metadata.problems import ROOT, Path, Problems, Refusal, nearest
from metadata.registry import Registry
from metadata.text import say
from metadata.value_types import YES_NO

VERBS: tuple[Verb, ...] = get_args(Verb)
NAMED_SCOPES = {"own": "owner == user", "department": "department in user.departments", "all": None}

SYSTEM = system("truth")

Mask = tuple[frozenset[int], ...]
"""When a field shows: of each group at least one grant (by place in the view) must match the row; () is always."""


@dataclass(frozen=True)
class Grant:
    """One access entry: a role may do these things with the records of a form that meet the scope, in these fields.

    No `scope` means every record, no `fields` every field, later ones too. `records` narrows a grant to single
    records; that is how an open task lets its holder read what he has to decide.
    """

    form: str
    verbs: frozenset[str]
    role: str = ""
    scope: Expression | None = None
    fields: frozenset[str] | None = None
    records: frozenset[int] | None = None

    @property
    def is_everywhere(self) -> bool:
        return self.scope is None and self.records is None

    def gives(self, field: str) -> bool:
        return self.fields is None or field in self.fields or field in SYSTEM_FIELDS


@dataclass(frozen=True)
class View:
    """What one actor may do with one form under a verb: his grants, and the mask of each field that exists for him."""

    form: CompiledForm
    grants: tuple[Grant, ...]
    masks: Mapping[str, Mask]

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(self.masks)

    def of_rows(self, field: str) -> "View":
        """What is seen of the rows of a subform, wherever they show: no formula of what the record may hide then."""
        rows = self.form.fields[field]
        assert rows.subform is not None
        own = set(self.masks.get(field, ()))
        surely = {id for id, mask in self.masks.items() if own.issuperset(mask)}
        shown = shown_in_rows(self.form, rows, surely) if field in self.masks else ()
        return View(rows.subform, (Grant(rows.subform.id, frozenset(["read"])),), dict.fromkeys(shown, ()))


@dataclass(frozen=True)
class CompiledAccess:
    """All access entries of an app by form id. No entry, no right."""

    grants: Mapping[str, tuple[Grant, ...]] = field(default_factory=dict)


def compile_access(app: CompiledApp, functions: Registry[Any], problems: Problems) -> CompiledAccess:
    """Compile the access entries of a definition whose forms are compiled already."""
    app = replace(app, access=CompiledAccess())
    grants: dict[str, list[Grant]] = {}
    for index, entry in enumerate(app.definition.access):
        place = ROOT / "access" / index
        form = app.forms.get(app.form_ids.get(entry.form, ""))
        role = app.role_ids.get(entry.role)
        if form is None or role is None:
            _unknown(problems, place, entry, app)
            continue
        scope = _scope(entry.where, form, app, functions, problems, place / "where")
        fields = _fields(entry.fields, form, problems, place / "fields")
        grants.setdefault(form.id, []).append(Grant(form.id, frozenset(entry.may), role, scope, fields))
    return CompiledAccess({form: tuple(each) for form, each in grants.items()})


def may(app: CompiledApp, actor: Actor, verb: str, form: str) -> bool:
    """Whether the actor may do this with any record of the form at all."""
    return bool(grants_of(app, actor, verb, form))


def grants_of(app: CompiledApp, actor: Actor, verb: str, form: str) -> tuple[Grant, ...]:
    """The grants that an actor holds under a verb, united as far as they unite."""
    if actor.is_system:
        return (Grant(form, frozenset(VERBS)),)
    if actor.scopes is not None and verb not in actor.scopes:
        return ()
    roles = actor.roles_in(app.name)
    held = [each for each in app.access.grants.get(form, ()) if each.role in roles and verb in each.verbs]
    return _united(held)


def view(app: CompiledApp, actor: Actor, form: str, verb: str = "read", also: Sequence[Grant] = ()) -> View:
    """What the actor sees of a form: computed once per combination of roles, and for each open task's extra grants."""
    if also:
        held = _united([*grants_of(app, actor, verb, form), *(g for g in also if g.form == form and verb in g.verbs)])
        return _view(app, actor, form, held)
    key = ("view", form, verb, actor.is_system, actor.roles_in(app.name), actor.scopes)
    made: View = app.memory.remember(key, lambda: _view(app, actor, form, grants_of(app, actor, verb, form)))
    return made


def visible(
    app: CompiledApp,
    actor: Actor,
    form: str,
    moment: Moment,
    dialect: str,
    verb: str = "read",
    also: Sequence[Grant] = (),
    deleted: bool = False,
    notes: set[str] | None = None,
) -> Relation:
    """The one masked relation: the records of a form that the actor may see, with the values he may see in them.

    Everything that reads records is compiled over it. `deleted` gives the trash instead.
    """

    def see_truth(wanted: str) -> View:
        return view(app, SYSTEM, wanted)

    def see(wanted: str) -> View:
        return view(app, actor, wanted, "read", also)

    noted = set() if notes is None else notes
    reading = Reading(app, see_truth if actor.is_system else see, see_truth, moment, dialect, noted)
    seen = view(app, actor, form, verb, also)
    return Relation(reading, seen, seen.form.table, deleted=deleted)


def visible_then(
    app: CompiledApp,
    actor: Actor,
    form: str,
    then: Moment,
    today: Moment,
    dialect: str,
    notes: set[str] | None = None,
) -> Relation:
    """The masked relation as it was at a moment, of forms whose history the actor may see.

    An access entry counts for a record where its condition was met then and is met today, too, and what lies in the
    trash today is left out: so nobody learns from the past of a record what the record of today hides from him.
    """

    def see_truth(wanted: str) -> View:
        return view(app, SYSTEM, wanted)

    def see(wanted: str) -> View:
        seen = view(app, actor, wanted)
        return seen if allowed(wanted) else View(seen.form, (), {})

    def allowed(wanted: str) -> tuple[Grant, ...]:
        return grants_of(app, actor, "see_history", wanted)

    noted = set() if notes is None else notes
    back = LookingBack(
        Past(app.name, then.now, dialect), Reading(app, see_truth, see_truth, today, dialect, noted), allowed
    )
    reading = Reading(app, see_truth if actor.is_system else see, see_truth, then, dialect, noted, back)
    seen = reading.see(form)
    return Relation(reading, seen, reading.table(seen.form))


def truth(
    app: CompiledApp, form: str, moment: Moment, dialect: str, deleted: bool = False, notes: set[str] | None = None
) -> Relation:
    """The records as they are, for the platform's own decisions; nothing of it is shown to anybody."""
    return visible(app, SYSTEM, form, moment, dialect, deleted=deleted, notes=notes)


def readable_names(app: CompiledApp, actor: Actor, also: Sequence[Grant] = ()) -> Names:
    """The names that exist for an actor: whatever he can never see is unknown to him."""
    if actor.is_system:
        return app.names
    if also:
        return _readable_names(app, actor, also)
    key = ("names", actor.roles_in(app.name), actor.scopes)
    names: Names = app.memory.remember(key, lambda: _readable_names(app, actor, ()))
    return names


def not_given(grants: Iterable[Grant], fields: Iterable[str], record: Values, facts: Facts) -> frozenset[str] | None:
    """Those of the fields that no matching grant gives; None where no grant matches. Looks no further than it must."""
    left, matched = frozenset(fields), False
    for grant in grants:
        if matched and not left:
            break
        if _matches(grant, record, facts):
            matched, left = True, frozenset(each for each in left if not grant.gives(each))
    return left if matched else None


def scope_needs(grants: Iterable[Grant], record: Values, facts: Facts) -> frozenset[RecordKey]:
    """The linked records that the scopes look at and that are not known yet; scopes look at the truth."""
    scopes = [each.scope for each in grants if each.scope is not None]
    return frozenset(missing_records(scopes, record, facts))


def readable_fields(app: CompiledApp, actor: Actor, form: str) -> frozenset[str]:
    """The fields of a form that the actor may see in some record; empty where he may not read the form."""
    return view(app, actor, form).fields


def fields_given(form: CompiledForm, grants: Iterable[Grant]) -> frozenset[str]:
    """The fields that at least one of the grants gives."""
    granted = tuple(grants)
    return frozenset(each for each in form.fields if any(grant.gives(each) for grant in granted))


def show(seen: View, record: Values, facts: Facts) -> Mapping[str, Any] | None:
    """A record that is at hand, as the actor would see it in the relation: None, or with hidden fields blank."""
    matched = {index for index, grant in enumerate(seen.grants) if _matches(grant, record, facts)}
    if not matched:
        return None
    shown = {each: record.get(each) for each in SYSTEM_FIELDS}
    readable = {id for id, mask in seen.masks.items() if all(group & matched for group in mask)}
    return shown | as_shown(seen.form, record, readable)


# --- compiling entries ---


def _scope(
    text: str | None, form: CompiledForm, app: CompiledApp, functions: Registry[Any], problems: Problems, place: Path
) -> Expression | None:
    text = NAMED_SCOPES.get(text, text) if text is not None else None
    if text is None:
        return None
    try:
        scope = fail_closed(check(text, Scope(app.names, form.id), functions, YES_NO))
        _try_in_sql(app, Grant(form.id, frozenset(["read"]), scope=scope))
        return scope
    except Refusal as refusal:
        problems.extend(refusal.problems, place)
    except NotPushable as reason:
        message = {
            "en": f"This condition cannot be asked of the database: {say(reason.reason, 'en')}",
            "zh": f"该条件无法在数据库中执行：{say(reason.reason, 'zh')}",
        }
        hint = {"en": "Use comparisons of fields and `user`", "zh": "请使用字段与 user 的比较"}
        problems.add(place, "not_pushable", message, hint)
    return None


def _try_in_sql(app: CompiledApp, grant: Grant) -> None:
    """A scope is always asked of the database, so that one which cannot be is found when publishing."""
    for dialect in ("sqlite", "postgresql"):
        _ = truth(app, grant.form, _some_moment(app), dialect).matches(grant)


def _some_moment(app: CompiledApp) -> Moment:
    now = datetime(2000, 1, 1, tzinfo=UTC)
    user = {"id": 0, "department": 0, "departments": (0,), "roles": ("",), "name": "", "email": "", "manager": 0}
    return Moment(now.date(), now, app.zone, user)


def _fields(names: Sequence[str] | None, form: CompiledForm, problems: Problems, place: Path) -> frozenset[str] | None:
    if names is None or list(names) == ["*"]:
        return None
    for index, name in enumerate(names):
        if name not in form.field_ids and name not in SYSTEM_FIELDS:
            message = {"en": f"There is no field “{name}” in “{form.name}”", "zh": f"“{form.name}”中不存在字段“{name}”"}
            problems.add(place / index, "unknown_field", message, nearest(name, form.field_ids))
    return frozenset(form.field_ids[name] for name in names if name in form.field_ids)


def _unknown(problems: Problems, place: Path, entry: Any, app: CompiledApp) -> None:
    if entry.form not in app.form_ids:
        message = {"en": f"There is no form “{entry.form}”", "zh": f"不存在表单“{entry.form}”"}
        problems.add(place / "form", "unknown_form", message, nearest(entry.form, app.form_ids))
    if entry.role not in app.role_ids:
        message = {"en": f"There is no role “{entry.role}”", "zh": f"不存在角色“{entry.role}”"}
        problems.add(place / "role", "unknown_role", message, nearest(entry.role, app.role_ids))


# --- uniting grants, per row ---


def _united(grants: Sequence[Grant]) -> tuple[Grant, ...]:
    """Merge grants of one scope, and drop those that a grant for every record covers."""
    merged: dict[Any, Grant] = {}
    for each in grants:
        key = (each.scope.text if each.scope else None, each.records)
        before = merged.get(key)
        merged[key] = each if before is None else replace(before, fields=_joined(before.fields, each.fields))
    everywhere = merged.get((None, None))
    if everywhere is None:
        return tuple(merged.values())
    return (everywhere, *(each for each in merged.values() if each is not everywhere and _adds(each, everywhere)))


def _joined(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    return None if one is None or other is None else one | other


def _adds(grant: Grant, everywhere: Grant) -> bool:
    if everywhere.fields is None:
        return False
    return grant.fields is None or not grant.fields <= everywhere.fields


def _matches(grant: Grant, record: Values, facts: Facts) -> bool:
    if grant.records is not None and record.get("id") not in grant.records:
        return False
    return grant.scope is None or bool(evaluate(grant.scope, Environment(record, facts)))


# --- what a view masks ---


def _view(app: CompiledApp, actor: Actor, form: str, grants: tuple[Grant, ...]) -> View:
    compiled = app.forms[form]
    masks = {id: _mask(app, actor, compiled, each, grants) for id, each in compiled.fields.items()} if grants else {}
    return View(compiled, grants, {id: mask for id, mask in masks.items() if mask is not None})


def _mask(
    app: CompiledApp, actor: Actor, form: CompiledForm, field: CompiledField, grants: tuple[Grant, ...]
) -> Mask | None:
    """The mask of a field: its own grants and, where it is derived from others of the row, theirs (None: never)."""
    giving = frozenset(index for index, grant in enumerate(grants) if grant.gives(field.id))
    if not giving or not _may_see_sources(app, actor, field):
        return None
    groups = set() if len(giving) == len(grants) or any(grants[i].is_everywhere for i in giving) else {giving}
    for source in sorted(sources_of(form, field)):
        mask = _mask(app, actor, form, form.fields[source], grants)
        if mask is None:
            return None
        groups |= set(mask)
    return tuple(sorted(groups, key=sorted))


def _may_see_sources(app: CompiledApp, actor: Actor, field: CompiledField) -> bool:
    """A total over other records shows to those who may read all that it is made of, or when it is declassified."""
    if field.rollup is None or actor.is_system or is_declassified(field):
        return True
    rows = field.rollup.rows
    needed = field.rollup.reads | {field.rollup.link} | ({rows} if rows is not None else set())
    source = app.forms[field.rollup.source]
    grants = grants_of(app, actor, "read", source.id)
    if not any(each.is_everywhere for each in grants):
        return False
    needed |= sources_of_rows(source, source.fields[rows], needed) if rows is not None else frozenset()
    read = [source.fields[each] for each in sorted(needed) if each in source.fields]
    return all(_mask(app, actor, source, each, grants) == () for each in read)


def _readable_names(app: CompiledApp, actor: Actor, also: Sequence[Grant]) -> Names:
    forms: dict[str, Mapping[str, FieldReference]] = {}
    for id, form in app.forms.items():
        seen = view(app, actor, form.parent or id, "read", also)
        if not seen.grants:
            forms[id] = {}
        elif form.parent is None:
            forms[id] = {
                n: ref for n, ref in app.names.forms[id].items() if ref.id in SYSTEM_FIELDS or ref.id in seen.masks
            }
        else:
            shown = {*SYSTEM_FIELDS, *seen.of_rows(id).masks} if id in seen.masks else set[str]()
            forms[id] = {n: ref for n, ref in app.names.forms[id].items() if ref.id in shown}
    return Names(forms, app.names.titles)
