"""Publishing: a draft becomes the next manifest and the live one, wholly or not at all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from builder_api import drafts, stories
from builder_api.checking import Known, check
from builder_api.drafts import Draft
from builder_api.preparing import Consent, Prepared, prepare, require_consent, what_is_known
from builder_api.pruning import prune
from engines.actor import Actor, system
from engines.compiled import CompiledApp
from engines.facts import Facts
from engines.forms.schema_plan import SchemaPlan, plan
from metadata.app import AppDefinition
from metadata.canonical import canonical
from metadata.ids import known_ids
from metadata.parts import Part, cut
from metadata.problems import ROOT, Conflict, NotFound, Problem, Problems
from metadata.text import say
from runtime import audit, transaction
from runtime.apps import hold_alone, ids_to_keep, manifest_row
from runtime.db import ddl, tables
from runtime.db.backfill import Report, backfill
from runtime.db.ids import new_id
from runtime.history import rewritten
from runtime.plugins import packages_of
from runtime.services import Services
from runtime.transaction import Tx

if TYPE_CHECKING:
    from runtime.transaction import Cause

NO_CONSENT = Consent()
PATIENCE = 60.0
"""So many seconds the stories of an app may take when it is published; `fourfold test` has no limit."""

RunStories = Callable[[AppDefinition], Sequence[Problem]]
"""Gives a problem for each story of an app that does not come true."""


@dataclass(frozen=True)
class Published:
    """What came of a publish: the number of the manifest, and which values did not fit their new type."""

    app: str
    number: int
    manifest: int
    changed: bool = True
    reports: tuple[Report, ...] = field(default=())


def publish(
    services: Services,
    actor: Actor,
    name: str,
    *,
    version: int | None = None,
    consent: Consent = NO_CONSENT,
    run_stories: RunStories | None = None,
    cause: "Cause | None" = None,
) -> Published:
    """Freeze the draft as the next manifest and make it the live one."""
    ready = ready_draft(services, name, version, consent, run_stories)
    return transaction.run(services, actor, lambda tx: switch(tx, ready), cause)


def publish_document(
    services: Services,
    actor: Actor,
    document: Any,
    *,
    consent: Consent = NO_CONSENT,
    run_stories: RunStories | None = None,
) -> Published:
    """Publish a definition that comes from a file; a draft that somebody works on stays as it is."""
    name = document.get("app") if isinstance(document, dict) else None
    ready = ready_document(services, name if isinstance(name, str) else None, document, consent, run_stories)
    return transaction.run(services, actor, lambda tx: switch(tx, ready))


def import_document(services: Services, document: Any, *, accept_losses: bool = False) -> str:
    """Publish a definition that is known to be good, its stories untold: the demo's; gives the app's name."""
    consent = Consent(losses=accept_losses, maintenance=True)
    return publish_document(services, system("command line"), document, consent=consent).app


# --- before anything is locked ---


def ready_draft(
    services: Services, name: str, version: int | None, consent: Consent, run_stories: RunStories | None
) -> Prepared:
    """The draft of an app, checked, told and agreed to; everything that can be refused without a lock is."""
    with services.database.read() as connection:
        draft = drafts.find(connection, name)
        if draft is None:
            raise nothing_to_publish(name)
        if version is not None and version != draft.version:
            raise drafts.stale(draft.version)
        prepared = prepare(services, connection, name, draft.document, draft)
    return _ready(services, prepared, consent, run_stories)


def ready_document(
    services: Services, name: str | None, document: Any, consent: Consent, run_stories: RunStories | None
) -> Prepared:
    """A definition that is no draft, checked, told and agreed to: one from a file, or an earlier version."""
    with services.database.read() as connection:
        prepared = prepare(services, connection, name, document, None)
    return _ready(services, prepared, consent, run_stories)


def _ready(services: Services, prepared: Prepared, consent: Consent, run_stories: RunStories | None) -> Prepared:
    """Check, impact, stories: in this order for everybody, whichever way he publishes. No connection is held."""
    app = prepared.app
    require_consent(prepared, consent)
    told = run_stories is not None and not prepared.changes_nothing(services.apps.language)
    if run_stories is not None and told:
        Problems(list(run_stories(app.definition))).raise_if_any()
    return replace(prepared, told=told)


def untrue_stories(definition: AppDefinition) -> list[Problem]:
    """Tell the stories of an app in a throw-away installation; gives a problem for each that does not come true."""
    actor = system("stories")
    document = canonical(definition)
    told = stories.tell(definition, lambda services, _: publish_document(services, actor, document), PATIENCE)
    return stories.problems_of(told)


# --- the one transaction ---


def switch(tx: Tx, prepared: Prepared) -> Published:
    """Do what was prepared; everything is refused before anything is written."""
    services = tx.services
    _hold_alone(tx, prepared.name)
    _require_unchanged(tx, prepared)
    if prepared.manifest is not None and _is_same(tx, prepared):
        drafts.discard(tx, prepared.name)
        return Published(prepared.name, _number(tx, prepared.manifest), prepared.manifest, changed=False)
    app = _with_number(services, tx, prepared)
    ddl.apply(tx.connection, steps := plan(prepared.known.live, app), "expand")
    reports = backfill(tx.connection, steps, app, _facts(tx, app))
    ddl.apply(tx.connection, steps, "contract")
    rewritten.tell(tx, app, reports)
    rewritten.rename_stages(tx, app, _moved_stages(app, steps))
    published = _switch(tx, prepared, app, tuple(reports))
    services.apps.keep(published.manifest, app)  # should this not be committed, nobody asks for that manifest
    return published


def nothing_to_publish(name: str) -> NotFound:
    message = {"en": f"There is no draft of “{name}” to publish", "zh": f"没有可发布的“{name}”草稿"}
    return NotFound(Problem(ROOT, "no_draft", message, {"en": "Change something first", "zh": "请先修改"}))


def _hold_alone(tx: Tx, name: str) -> None:
    """From here on nobody else writes to the app; it does not wait long for that."""
    if tx.database.is_postgresql:
        for setting, value in (("lock_timeout", "5s"), ("statement_timeout", "0")):
            tx.connection.execute(sa.select(sa.func.set_config(setting, value, True)))
    hold_alone(tx.connection, name)


def _require_unchanged(tx: Tx, prepared: Prepared) -> None:
    """What was checked must still be what is there."""
    live = tx.connection.scalar(sa.select(tables.app.c.live).where(tables.app.c.name == prepared.name))
    draft = drafts.find(tx.connection, prepared.name) if prepared.draft is not None else None
    if live != prepared.manifest or (draft.version if draft else None) != _version(prepared.draft):
        message = {"en": "Somebody else has published or changed the draft", "zh": "他人已发布或修改了草稿"}
        hint = {"en": "Look at what is there now, then publish again", "zh": "请查看最新内容后重新发布"}
        raise Conflict(Problem(ROOT, "publish_conflict", message, hint))


def _version(draft: Draft | None) -> int | None:
    return draft.version if draft is not None else None


def _is_same(tx: Tx, prepared: Prepared) -> bool:
    assert prepared.manifest is not None
    return bool(manifest_row(tx.connection, prepared.manifest).parts == _hashes(cut(prepared.app.definition)))


def _with_number(services: Services, tx: Tx, prepared: Prepared) -> CompiledApp:
    """The compiled app with the number that its tables carry; a new app gets the next one."""
    if prepared.known.live is not None:
        return prepared.app
    hold_alone(tx.connection, "")  # one new app at a time
    table = tables.app
    number = int(tx.connection.scalar(sa.select(sa.func.coalesce(sa.func.max(table.c.number), 0))) or 0) + 1
    values = {"number": number, "name": prepared.name, "live": None, "title": prepared.app.definition.caption}
    tx.connection.execute(sa.insert(table).values(values))
    known = Known(None, prepared.known.ids, prepared.known.storages, number)
    return check(services.apps.language, prepared.checked.document, known).require()


def _moved_stages(app: CompiledApp, steps: SchemaPlan) -> Iterator[tuple[str, str, str, str]]:
    """The stages that others took over: form, field, the old one, the new one."""
    for step in steps.of("backfill"):
        if step.kind == "move" and step.field in app.forms[step.form].stages:
            yield from ((step.form, str(step.field), old, new) for old, new in step.moves)


def _facts(tx: Tx, app: CompiledApp) -> Facts:
    return Facts(
        now=tx.now,
        zone=app.zone,
        actor=system("publish"),
        organisation=tx.organisation,
        app=app.name,
        role_names=app.role_names,
    )


def _switch(tx: Tx, prepared: Prepared, app: CompiledApp, reports: tuple[Report, ...]) -> Published:
    """Store the parts that are new and the manifest, and move the pointer."""
    parts = cut(app.definition)
    _store_parts(tx, parts)
    before = manifest_row(tx.connection, prepared.manifest) if prepared.manifest is not None else None
    manifest, number = new_id(), before.number + 1 if before else 1
    ids = ids_to_keep({**(before.ids["known"] if before else {}), **known_ids(app.definition)}, app.storages)
    values = {
        "id": manifest,
        "app": app.name,
        "number": number,
        "parent": prepared.manifest,
        "version": app.definition.version,
        "parts": _hashes(parts),
        "ids": {**ids, "packages": packages_of(app.definition, tx.services.kinds)},
        "published_at": tx.now,
        "published_by": tx.actor.member,
        "package": (before.package or before.id) if before else None,
    }
    tx.connection.execute(sa.insert(tables.manifest).values(values))
    pointer = sa.update(tables.app).where(tables.app.c.name == app.name)
    tx.connection.execute(pointer.values(live=manifest, title=app.definition.caption))
    if prepared.draft is not None:
        tx.connection.execute(sa.delete(tables.draft).where(tables.draft.c.app == app.name))
    prune(tx, app.name, number)
    _note(tx, prepared, app, number, reports)
    return Published(app.name, number, manifest, True, reports)


def _hashes(parts: Sequence[Part]) -> dict[str, list[str]]:
    hashes: dict[str, list[str]] = {}
    for part in parts:
        hashes.setdefault(part.kind, []).append(part.hash)
    return hashes


def _store_parts(tx: Tx, parts: Sequence[Part]) -> None:
    table = tables.part
    wanted = {part.hash: part for part in parts}
    there = set(tx.connection.scalars(sa.select(table.c.hash).where(table.c.hash.in_(wanted))))
    new = [
        {"hash": hash, "kind": part.kind, "body": dict(part.body)} for hash, part in wanted.items() if hash not in there
    ]
    if new:
        tx.connection.execute(sa.insert(table), new)


def _note(tx: Tx, prepared: Prepared, app: CompiledApp, number: int, reports: tuple[Report, ...]) -> None:
    detail = {
        "stories": "told" if prepared.told else "not told",
        "steps": [step.summary for step in prepared.plan.steps][:200],
        "losses": [say(loss.message, "en") for loss in prepared.plan.losses],
        "not_converted": {f"{report.form}/{report.field}": report.failures for report in reports if report.failures},
    }
    audit.note(tx, "app_published", kind="app", object=app.name, version=number, app=app.name, detail=detail)


def _number(tx: Tx, manifest: int) -> int:
    return int(manifest_row(tx.connection, manifest).number)


__all__ = [
    "Consent",
    "Prepared",
    "Published",
    "import_document",
    "nothing_to_publish",
    "prepare",
    "publish",
    "publish_document",
    "ready_document",
    "ready_draft",
    "switch",
    "untrue_stories",
    "what_is_known",
]
