"""Seals the audit trail: entries become a chain of keyed hashes, so that a change made behind our back shows (S6).

The key is made from the master key, which does not lie in the database. Entries are sealed in batches, later than
they were written, for a chain within each save would make all saves wait for one another.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, Row, bindparam, func, select, update

from runtime import vault
from runtime.db import tables
from runtime.db.engine import write_json
from runtime.services import Services
from runtime.settings import Settings

log = structlog.get_logger("fourfold.audit")

entry = tables.audit

BATCH = 1000
CHECKPOINT_EVERY = 1000
LOCK = int.from_bytes(hashlib.sha256(b"audit chain").digest()[:8], "big", signed=True)
BEGINNING = "0"
SEALED_BY = ("prev_hash", "hash", "chain_pos")


@dataclass(frozen=True)
class Verdict:
    """What verifying found: how far the chain reaches, its last hash, and what is wrong with it."""

    sealed: int
    unsealed: int
    last: str
    problems: tuple[str, ...]


def seal(services: Services) -> int:
    """Add the entries that are not sealed yet to the chain, some at a time."""
    with services.database.read() as connection:
        if connection.scalar(select(entry.c.seq).where(entry.c.chain_pos.is_(None)).limit(1)) is None:
            return 0
    with services.database.write() as connection:
        sealed = seal_some(services.settings, connection)
    for each in sealed:
        if each["position"] % CHECKPOINT_EVERY == 0:
            log.info("audit_checkpoint", position=each["position"], hash=each["hash"])
    return len(sealed)


def seal_some(settings: Settings, connection: Connection) -> list[dict[str, Any]]:
    """Seal a batch within a transaction; whoever else seals waits, for a chain has one end (SQLite has one writer)."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    rows = connection.execute(_unsealed().limit(BATCH)).all()
    position, previous = _end_of_chain(connection)
    sealed = list(_chained(_Key.of(settings), rows, position, previous))
    if sealed:
        connection.execute(_SEAL, sealed)
    return sealed


def verify(settings: Settings, connection: Connection, checkpoints: Mapping[int, str] | None = None) -> Verdict:
    """Walk the chain from its beginning and compare it with checkpoints that were kept elsewhere."""
    key, kept = _Key.of(settings), dict(checkpoints or {})
    problems: list[str] = []
    position, previous = 0, BEGINNING
    for row in connection.execute(select(entry).where(entry.c.chain_pos.is_not(None)).order_by(entry.c.chain_pos)):
        position += 1
        if wrong := _wrong_with(key, row, position, previous, kept.pop(position, None)):
            problems.append(wrong)
        position, previous = row.chain_pos, row.hash
    problems += [f"entry {missing} of a checkpoint is not there" for missing in sorted(kept)]
    unsealed = connection.scalar(select(func.count()).select_from(entry).where(entry.c.chain_pos.is_(None))) or 0
    return Verdict(position, unsealed, previous, tuple(problems))


def _wrong_with(key: "_Key", row: Row, position: int, previous: str, checkpoint: str | None) -> str:
    if row.chain_pos != position:
        return f"entries {position} to {row.chain_pos - 1} are gone"
    if not row.hash.startswith(f"{key.id}."):
        return f"entry {position} was sealed with the master key {row.hash.partition('.')[0]}, which is not here"
    if row.prev_hash != previous or not hmac.compare_digest(row.hash, key.seal(previous, row)):
        return f"entry {position} was changed"
    if checkpoint is not None and checkpoint != row.hash:
        return f"entry {position} is not the one of the checkpoint"
    return ""


def _chained(key: "_Key", rows: Any, position: int, previous: str) -> Iterator[dict[str, Any]]:
    for row in rows:
        position, before, previous = position + 1, previous, key.seal(previous, row)
        yield {"number": row.seq, "position": position, "before": before, "hash": previous}


def _end_of_chain(connection: Connection) -> tuple[int, str]:
    sealed = select(entry.c.chain_pos, entry.c.hash).where(entry.c.chain_pos.is_not(None))
    last = connection.execute(sealed.order_by(entry.c.chain_pos.desc()).limit(1)).one_or_none()
    return (last.chain_pos, last.hash) if last is not None else (0, BEGINNING)


def _unsealed() -> Any:
    return select(entry).where(entry.c.chain_pos.is_(None)).order_by(entry.c.seq)


_SEAL = (
    update(entry)
    .where(entry.c.seq == bindparam("number"))
    .values(chain_pos=bindparam("position"), prev_hash=bindparam("before"), hash=bindparam("hash"))
)


@dataclass(frozen=True)
class _Key:
    """The key of the chain, and the name of the master key that it was made from."""

    id: str
    secret: bytes

    @classmethod
    def of(cls, settings: Settings) -> "_Key":
        master = vault.master_key(settings)
        return cls(vault.key_id(master), hmac.digest(master, b"fourfold audit", hashlib.sha256))

    def seal(self, previous: str, row: Row) -> str:
        """The hash of an entry and of everything before it."""
        told = {name: value for name, value in row._mapping.items() if name not in SEALED_BY}
        plain = orjson.dumps(orjson.loads(write_json(told)), option=orjson.OPT_SORT_KEYS)
        return f"{self.id}.{hmac.new(self.secret, previous.encode() + b'|' + plain, hashlib.sha256).hexdigest()}"
