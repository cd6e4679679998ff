"""The apps that are live: a manifest of parts becomes a compiled app, kept as long as it is used."""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engines import compile_app, compile_what_can_be
from engines.compiled import CompiledApp, StoredAs
from engines.missing import missing_functions, with_stand_ins
from metadata.kinds import Kinds, MissingKind
from metadata.language import Language
from metadata.parts import Part, join
from metadata.problems import ROOT, InvalidDefinition, NotFound, Problem
from runtime.db import tables

if TYPE_CHECKING:
    from runtime.transaction import Tx

log = logging.getLogger("fourfold.apps")

KEPT = 32  # compiled apps in memory
READ_ONLY = 0  # the cause of transactions that only read

_PAUSED = (tables.rule_state.c.app == tables.app.c.name) & tables.rule_state.c.paused_at.is_not(None)
_LIVE = (
    sa.select(tables.app.c.live, tables.rule_state.c.rule)
    .outerjoin(tables.rule_state, _PAUSED)
    .where(tables.app.c.name == sa.bindparam("app"))
)
_HOLD_STILL = sa.func.ff_hold_still(sa.bindparam("key", type_=sa.BigInteger()), sa.bindparam("app", type_=sa.Text()))
_LIVE_HELD_STILL = sa.select(_HOLD_STILL.table_valued(sa.column("live", sa.BigInteger), sa.column("rule", sa.Text)))


class Apps:
    """Gives the live app by its name. A writer holds it still: no publish goes through while he writes."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self.language = Language(kinds)
        self._compiled: OrderedDict[int, CompiledApp] = OrderedDict()
        self._pausing: OrderedDict[tuple[int, frozenset[str]], CompiledApp] = OrderedDict()
        self._lock = RLock()

    def live(self, at: "Tx | sa.Connection", name: str) -> CompiledApp:
        """The app as it is live now, with the rules that are paused; within one transaction always the same."""
        if isinstance(at, sa.Connection):
            return self._as_it_is(at, name)
        key = f"live app {name}"
        if key not in at.notes:
            manifest = at.live.get(name)  # a reader does not ask for pauses
            if manifest is not None:
                at.notes[key] = self.of_manifest(at.connection, manifest)
            else:
                at.notes[key] = self._as_it_is(at.connection, name, held_still=at.cause.id != READ_ONLY)
        found: CompiledApp = at.notes[key]
        return found

    def find(self, connection: sa.Connection, name: str) -> CompiledApp | None:
        """The live app, or None where there is none yet."""
        try:
            return self.live(connection, name)
        except NotFound:
            return None

    def names(self, connection: sa.Connection) -> list[str]:
        """The names of all live apps."""
        app = tables.app
        return list(connection.scalars(sa.select(app.c.name).where(app.c.live.is_not(None)).order_by(app.c.number)))

    def of_manifest(self, connection: sa.Connection, manifest: int) -> CompiledApp:
        """The app that a manifest describes; compiled once, by whoever asks first."""
        with self._lock:
            if manifest in self._compiled:
                self._compiled.move_to_end(manifest)
                return self._compiled[manifest]
            compiled = self._compile(connection, manifest)
            self.keep(manifest, compiled)
            return compiled

    def keep(self, manifest: int, app: CompiledApp) -> None:
        """Remember a compiled app; the one that nobody asked for longest is forgotten."""
        with self._lock:
            self._compiled[manifest] = app
            while len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)

    def _as_it_is(self, connection: sa.Connection, name: str, *, held_still: bool = False) -> CompiledApp:
        manifest, paused = _live_manifest(connection, name, held_still)
        app = self.of_manifest(connection, manifest)
        return self._pausing_in(manifest, app, paused) if paused else app

    def _pausing_in(self, manifest: int, app: CompiledApp, paused: frozenset[str]) -> CompiledApp:
        with self._lock:
            found = self._pausing.pop((manifest, paused), None)
            made = found if found is not None else replace(app, rules=app.rules.pausing(paused))
            self._pausing[manifest, paused] = made
            while len(self._pausing) > KEPT:
                self._pausing.popitem(last=False)
            return made

    def _compile(self, connection: sa.Connection, manifest: int) -> CompiledApp:
        row = manifest_row(connection, manifest)
        number = connection.scalar(sa.select(tables.app.c.number).where(tables.app.c.name == row.app))
        document, storages = document_of(connection, row), stored_as(row)
        definition = None
        try:
            definition = self.language.load(document)
            return compile_app(definition, self.kinds, int(number or 1), storages)
        except InvalidDefinition as refusal:
            missing = self.language.missing_from(document)
            if not missing and definition is None:
                raise
            log.warning("%s cannot be compiled as a whole: %s", row.app, [str(each.path) for each in refusal.problems])
            app = self._with_stand_ins(row, document, int(number or 1), missing)
            return app if app.missing else replace(app, refused=tuple(refusal.problems))

    def _with_stand_ins(
        self, row: Any, document: dict[str, Any], number: int, missing: tuple[MissingKind, ...]
    ) -> CompiledApp:
        """The app as far as it goes without the packages that are missing."""
        packages = row.ids.get("packages", {})
        kinds = with_stand_ins(self.kinds, missing, stored_as(row))
        definition = Language(kinds).load(document)
        missing = (*missing, *missing_functions(definition, kinds.functions))
        told = tuple(replace(each, package=packages.get(f"{each.noun} {each.name}")) for each in missing)
        if told:
            log.warning("%s needs what is not installed: %s", row.app, ", ".join(sorted({each.name for each in told})))
        return replace(compile_what_can_be(definition, kinds, number, stored_as(row)), missing=told)

    def missing(self) -> list[MissingKind]:
        """What the apps in memory name and nobody has installed."""
        with self._lock:
            return [each for app in self._compiled.values() for each in app.missing]


def manifest_row(connection: sa.Connection, id: int) -> Any:
    """A manifest as it is kept."""
    return connection.execute(sa.select(tables.manifest).where(tables.manifest.c.id == id)).one()


def document_of(connection: sa.Connection, manifest: Any) -> dict[str, Any]:
    """The definition that the parts of a manifest make."""
    hashes = [hash for listed in manifest.parts.values() for hash in listed]
    part = tables.part
    rows = connection.execute(sa.select(part).where(part.c.hash.in_(hashes)))
    found = {row.hash: Part(row.kind, row.hash, row.body) for row in rows}
    return join(found[hash] for hash in hashes)


def stored_as(manifest: Any) -> dict[str, StoredAs]:
    """What was ever stored under which id, up to a manifest."""
    return {id: StoredAs(**each) for id, each in manifest.ids["stored"].items()}


def ids_to_keep(known: Mapping[str, str], storages: Mapping[str, StoredAs]) -> dict[str, Any]:
    """What a manifest remembers besides its parts: which name ever had which id, and how its values are stored."""
    return {"known": dict(known), "stored": {id: asdict(each) for id, each in storages.items()}}


@cache
def lock_key(app: str) -> int:
    """The number by which PostgreSQL knows the lock of an app."""
    return int.from_bytes(hashlib.sha256(f"app:{app}".encode()).digest()[:8], "big", signed=True)


def hold_alone(connection: sa.Connection, app: str) -> None:
    """Wait until nobody writes to the app, then let nobody write until this transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_key(app))))


def _live_manifest(connection: sa.Connection, name: str, held_still: bool) -> tuple[int, frozenset[str]]:
    """The live manifest of an app, and which of its rules stand still; one question.

    Held still, no publish of the app goes through until this transaction ends (SQLite has one writer anyway).
    """
    if held_still and connection.dialect.name == "postgresql":
        rows = connection.execute(_LIVE_HELD_STILL, {"app": name, "key": lock_key(name)}).all()
    else:
        rows = connection.execute(_LIVE, {"app": name}).all()
    if not rows or rows[0].live is None:
        message = {"en": f"There is no app “{name}”", "zh": f"不存在应用“{name}”"}
        raise NotFound(Problem(ROOT, "not_found", message))
    return int(rows[0].live), frozenset(row.rule for row in rows if row.rule is not None)
