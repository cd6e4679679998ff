"""Versions: what was published when, by whom, what differs, and the way back."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from builder_api.preparing import Consent
from builder_api.publish import NO_CONSENT, Prepared, Published, RunStories, ready_document, switch
from engines.actor import Actor
from metadata.parts import SECTIONS
from metadata.problems import ROOT, NotFound, Problem
from runtime import transaction
from runtime.apps import document_of
from runtime.db import tables
from runtime.services import Services

if TYPE_CHECKING:
    from runtime.transaction import Cause


def versions(connection: sa.Connection, app: str) -> list[dict[str, Any]]:
    """The versions of an app, the latest first."""
    table = tables.manifest
    live = connection.scalar(sa.select(tables.app.c.live).where(tables.app.c.name == app))
    rows = connection.execute(sa.select(table).where(table.c.app == app).order_by(table.c.number.desc()))
    listed = [_listed(row, live) for row in rows]
    if not listed:
        raise no_version(app)
    return listed


def document(connection: sa.Connection, app: str, number: int) -> dict[str, Any]:
    """The definition as it was in one version."""
    return document_of(connection, _manifest(connection, app, number))


def changes(connection: sa.Connection, app: str, number: int, since: int | None = None) -> list[dict[str, Any]]:
    """What differs between a version and the one before it (or another), thing by thing, by id."""
    before_number = number - 1 if since is None else since
    after = document(connection, app, number)
    before = document(connection, app, before_number) if before_number else {}
    return differences(before, after)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Which things are new, gone or changed, by id (access entries and stories by what they say)."""
    found = []
    for section in SECTIONS:
        old = {_key(each): each for each in before.get(section, ())}
        new = {_key(each): each for each in after.get(section, ())}
        for key in [*old, *(key for key in new if key not in old)]:
            if old.get(key) != new.get(key):
                found.append(_difference(section, key, old.get(key), new.get(key)))
    return found


def roll_back(
    services: Services,
    actor: Actor,
    app: str,
    number: int,
    *,
    part: str | None = None,
    consent: Consent = NO_CONSENT,
    run_stories: RunStories | None = None,
    cause: "Cause | None" = None,
) -> Published:
    """Make an earlier version the live one again, as a new version; or only one thing of it, by id."""
    ready = ready_version(services, app, number, part, consent, run_stories)
    return transaction.run(services, actor, lambda tx: switch(tx, ready), cause)


def ready_version(
    services: Services, app: str, number: int, part: str | None, consent: Consent, run_stories: RunStories | None
) -> Prepared:
    """An earlier version (or what is live with one thing of it), checked, told and agreed to."""
    with services.database.read() as connection:
        wanted = document(connection, app, number)
        if part is not None:
            live = services.apps.live(connection, app)
            wanted = with_part(services.apps.language.canonical(live.definition), wanted, part)
    return ready_document(services, app, wanted, consent, run_stories)


def with_part(document: dict[str, Any], other: Mapping[str, Any], id: str) -> dict[str, Any]:
    """The document with one thing taken from another one; a thing that only the other has is added."""
    for section in SECTIONS:
        wanted = next((each for each in other.get(section, ()) if each.get("id") == id), None)
        if wanted is not None:
            listed = [wanted if each.get("id") == id else each for each in document.get(section, ())]
            return {**document, section: listed if wanted in listed else [*listed, wanted]}
    message = {"en": f"That version has nothing with the id “{id}”", "zh": f"该版本中没有标识“{id}”"}
    raise NotFound(Problem(ROOT / "part", "not_found", message))


def no_version(app: str, number: int | None = None) -> NotFound:
    what = f"version {number} of " if number else ""
    which = f"第 {number} 版" if number else ""
    message = {"en": f"There is no {what}app “{app}”", "zh": f"不存在应用“{app}”{which}"}
    return NotFound(Problem(ROOT, "not_found", message))


def _manifest(connection: sa.Connection, app: str, number: int) -> Any:
    table = tables.manifest
    row = connection.execute(sa.select(table).where(table.c.app == app, table.c.number == number)).one_or_none()
    if row is None:
        raise no_version(app, number)
    return row


def _listed(row: Any, live: int | None) -> dict[str, Any]:
    return {
        "number": row.number,
        "version": row.version,
        "published_at": row.published_at,
        "published_by": str(row.published_by) if row.published_by else None,
        "live": row.id == live,
    }


def _key(thing: Mapping[str, Any]) -> str:
    return str(thing.get("id") or thing.get("name") or sorted(thing.items(), key=str))


def _difference(section: str, key: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> dict[str, Any]:
    thing: Mapping[str, Any] = new or old or {}
    kind = "added" if old is None else "removed" if new is None else "changed"
    keys = sorted(name for name in {**(old or {}), **(new or {})} if (old or {}).get(name) != (new or {}).get(name))
    return {
        "section": section,
        "id": thing.get("id"),
        "name": thing.get("name"),
        "change": kind,
        "keys": keys if kind == "changed" else [],
    }
