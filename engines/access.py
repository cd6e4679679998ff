"""Who may do what with which records and fields: asked for every read and write, answered once for each app."""

from collections.abc import Mapping, Sequence

from engines.actor import Actor, system
from engines.compiled import CompiledApp
from engines.expressions import Moment
from engines.grants import VERBS, CompiledAccess, Grant, fields_given, grants_of, not_given, scope_needs, united
from engines.masks import Mask, View, show, view_of
from engines.relation.masked import LookingBack, Reading, Relation
from engines.relation.past import Past
from engines.system_fields import SYSTEM_FIELDS
from metadata.expressions import FieldReference, Names

__all__ = [
    "SYSTEM",
    "VERBS",
    "CompiledAccess",
    "Grant",
    "Mask",
    "View",
    "fields_given",
    "grants_of",
    "may",
    "not_given",
    "readable_fields",
    "readable_names",
    "scope_needs",
    "show",
    "truth",
    "view",
    "visible",
    "visible_then",
]

SYSTEM = system("truth")


def may(app: CompiledApp, actor: Actor, verb: str, form: str) -> bool:
    """Whether the actor may do this with any record of the form at all."""
    return bool(grants_of(app, actor, verb, form))


def view(app: CompiledApp, actor: Actor, form: str, verb: str = "read", also: Sequence[Grant] = ()) -> View:
    """What the actor sees of a form: computed once per combination of roles, and for each open task's extra grants."""
    if also:
        held = united([*grants_of(app, actor, verb, form), *(g for g in also if g.form == form and verb in g.verbs)])
        return view_of(app, actor, form, held)
    key = ("view", form, verb, actor.is_system, actor.roles_in(app.name), actor.scopes)
    made: View = app.memory.remember(key, lambda: view_of(app, actor, form, grants_of(app, actor, verb, form)))
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


def readable_fields(app: CompiledApp, actor: Actor, form: str) -> frozenset[str]:
    """The fields of a form that the actor may see in some record; empty where he may not read the form."""
    return view(app, actor, form).fields


def readable_names(app: CompiledApp, actor: Actor, also: Sequence[Grant] = ()) -> Names:
    """The names that exist for an actor: whatever he can never see is unknown to him."""
    if actor.is_system:
        return app.names
    if also:
        return _readable_names(app, actor, also)
    key = ("names", actor.roles_in(app.name), actor.scopes)
    names: Names = app.memory.remember(key, lambda: _readable_names(app, actor, ()))
    return names


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
