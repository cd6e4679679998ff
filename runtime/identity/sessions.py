"""Sessions: signed-in devices, each an opaque token of which only a hash is kept; they end by idleness and by age."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from metadata.problems import ROOT, NotFound, Problem, Refused
from runtime import audit
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.identity.tokens import hashed, new_token
from runtime.transaction import Tx

session = tables.session

IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=7)
IDLE_REMEMBERED, ABSOLUTE_REMEMBERED = timedelta(days=30), timedelta(days=90)
ELEVATED = timedelta(minutes=15)
SESSIONS_PER_MEMBER = 20


@dataclass(frozen=True)
class Session:
    """A signed-in device. `token` is known only at the moment it is made."""

    id: int
    member: int
    csrf: str
    remembered: bool
    elevated_until: datetime | None = None
    token: str = ""
    expires_at: datetime | None = None


class ElevationRequired(Refused):
    """An act on the installation, and the password was asked for too long ago."""

    code = "elevation_required"
    title = {"en": "Confirm that it is you", "zh": "请确认是您本人操作"}


def open_session(tx: Tx, member: int, address: str, agent: str, remember: bool) -> Session:
    """Make a new session, elevated for a start, since the password was just given; beyond twenty the oldest ends."""
    token, session_id, csrf = new_token(), new_id(), new_token()
    expires, elevated = tx.now + (ABSOLUTE_REMEMBERED if remember else ABSOLUTE), tx.now + ELEVATED
    mine = select(session.c.token_hash).where(session.c.member == member)
    oldest = mine.order_by(session.c.id.desc()).offset(SESSIONS_PER_MEMBER - 1)
    _end(tx, tx.connection.execute(oldest).scalars().all())
    tx.connection.execute(
        insert(session).values(
            token_hash=hashed(token),
            id=session_id,
            member=member,
            created_at=tx.now,
            last_seen_at=tx.now,
            expires_at=expires,
            remembered=remember,
            elevated_until=elevated,
            address=address,
            agent=agent[:300],
            csrf=csrf,
        )
    )
    return Session(session_id, member, csrf, remember, elevated, token, expires)


def elevate(tx: Tx, known: Session) -> Session:
    """Open the acts on the installation to a session for a quarter of an hour; it goes on under a new token."""
    token, until = new_token(), tx.now + ELEVATED
    mine = update(session).where(session.c.id == known.id)
    if tx.connection.execute(mine.values(token_hash=hashed(token), elevated_until=until)).rowcount == 0:
        raise NotFound()
    return Session(known.id, known.member, known.csrf, known.remembered, until, token, known.expires_at)


def require_elevated(known: Session, now: datetime) -> None:
    """Refuse acts on the installation unless the password was given in the last quarter of an hour."""
    if known.elevated_until is None or known.elevated_until <= now:
        message = {"en": "Enter your password again for this", "zh": "请再次输入密码以继续"}
        way = {
            "en": "POST /api/v1/session/elevate with your password, then try again",
            "zh": "请先以密码请求 POST /api/v1/session/elevate，然后重试",
        }
        raise ElevationRequired(Problem(ROOT, "elevation_required", message, way))


def sign_out(tx: Tx, known: int) -> None:
    """End this session."""
    tx.connection.execute(delete(session).where(session.c.id == known))
    audit.note(tx, "sign_out", kind="session", object=known)


def is_over(row: Row, now: datetime) -> bool:
    """Tell whether a session has been idle for too long, or is too old."""
    idle = IDLE_REMEMBERED if row.remembered else IDLE
    return bool(now >= row.expires_at or now - row.last_seen_at > idle)


def sessions(tx: Tx) -> list[dict[str, Any]]:
    """List the devices on which the actor is signed in."""
    mine = select(session).where(session.c.member == tx.actor.member)
    rows = tx.connection.execute(mine.order_by(session.c.last_seen_at.desc()))
    return [
        {
            "id": str(row.id),
            "created_at": row.created_at,
            "last_seen_at": row.last_seen_at,
            "address": row.address,
            "agent": row.agent,
            "remembered": row.remembered,
            "current": tx.actor.credential == f"session:{row.id}",
        }
        for row in rows
        if not is_over(row, tx.now)
    ]


def revoke_session(tx: Tx, known: int) -> None:
    """End one of the actor's own sessions."""
    mine = (session.c.id == known) & (session.c.member == tx.actor.member)
    if tx.connection.execute(delete(session).where(mine)).rowcount == 0:
        raise NotFound()
    audit.note(tx, "session_revoked", kind="session", object=known)


def end_sessions(tx: Tx, member: int) -> None:
    """Sign a member out everywhere."""
    tx.connection.execute(delete(session).where(session.c.member == member))


def purge(connection: Connection, now: datetime) -> int:
    """Forget the sessions that are over."""
    idle = (session.c.remembered & (session.c.last_seen_at < now - IDLE_REMEMBERED)) | (
        ~session.c.remembered & (session.c.last_seen_at < now - IDLE)
    )
    return connection.execute(delete(session).where((session.c.expires_at <= now) | idle)).rowcount


def _end(tx: Tx, token_hashes: Iterable[str]) -> None:
    if gone := list(token_hashes):
        tx.connection.execute(delete(session).where(session.c.token_hash.in_(gone)))
