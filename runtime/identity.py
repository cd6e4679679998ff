"""Who is there: sign-in, sessions and API keys; opaque, hashed, checked against the member at each request."""

import hashlib
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy import Connection, Row, Update, bindparam, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from engines.actor import Actor
from engines.organisation import Organisation, Person
from metadata.problems import ROOT, Invalid, NotFound, Path, Problem, Refusal, Refused
from runtime import audit, organisation, passwords, sign_in_delays
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.services import Services
from runtime.transaction import Cause, Tx, run

IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=7)
IDLE_REMEMBERED, ABSOLUTE_REMEMBERED = timedelta(days=30), timedelta(days=90)
ELEVATED = timedelta(minutes=15)
LOOKED_AT = timedelta(minutes=5)  # how exactly the last look is kept
SESSIONS_PER_MEMBER = KEYS_PER_MEMBER = 20
KEY_DAYS, LONGEST_KEY_DAYS = 90, 365
KEY_MARK = "fourfold_"
SCOPES = frozenset(
    "create read update delete restore export import print share bulk comment see_history see_audit start_flow "
    "decide build admin overwrite".split()
)


class NotSignedIn(Refusal):
    """Nobody is signed in, or not any more."""

    status = 401
    code = "not_signed_in"
    title = {"en": "Please sign in", "zh": "请先登录"}


class SignInFailed(Refusal):
    """E-mail and password do not belong together; says no more, whoever asked."""

    status = 401
    code = "sign_in_failed"
    title = {"en": "E-mail and password do not match", "zh": "邮箱或密码不正确"}


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


@dataclass(frozen=True)
class Recognised:
    """Who asks, and what was read along with him: the organisation, and the live manifest of the app asked for."""

    actor: Actor
    organisation: Organisation
    session: Session | None = None
    app: str = ""
    manifest: int | None = None


NOBODY = Actor(kind="public", name="nobody")


# --- signing in and out ---


def sign_in(
    services: Services, email: str, password: str, *, address: str, agent: str, remember: bool, cause: Cause
) -> Session:
    """Open a session for who knows the password; wrong tries are slowed down per account and per address."""
    email = organisation.normal_email(email)[:320]
    with services.database.read() as connection:
        now = services.clock()
        found = connection.execute(select(tables.member).where(tables.member.c.email == email)).one_or_none()
        sign_in_delays.require_patience(connection, email, address, found.id if found else None, now)
    kept = found.password_hash if found is not None and found.active else None
    if not passwords.verify_password(password, kept):
        run(services, NOBODY, lambda tx: _failed(tx, email, address, found), cause)
        raise SignInFailed()
    assert found is not None and kept is not None
    return run(services, NOBODY, lambda tx: _enter(tx, found, password, kept, address, agent, remember), cause)


def _failed(tx: Tx, email: str, address: str, found: Row | None) -> None:
    sign_in_delays.count_failure(tx, email, address)
    audit.note(
        tx, "sign_in", kind="member", object=found.id if found else None, result="failed", detail={"from": address}
    )


def _enter(tx: Tx, found: Row, password: str, kept: str, address: str, agent: str, remember: bool) -> Session:
    sign_in_delays.forget_failures(tx, found.email, address)
    if passwords.needs_rehash(kept):
        _store_password(tx, found.id, password)
    session = open_session(tx, found.id, address, agent, remember)
    audit.note(tx, "sign_in", kind="member", object=found.id, detail={"from": address, "session": str(session.id)})
    return session


def open_session(tx: Tx, member: int, address: str, agent: str, remember: bool) -> Session:
    """Make a new session; beyond twenty the oldest ends."""
    token, session_id, csrf = secrets.token_urlsafe(32), new_id(), secrets.token_urlsafe(24)
    expires = tx.now + (ABSOLUTE_REMEMBERED if remember else ABSOLUTE)
    mine = select(tables.session.c.token_hash).where(tables.session.c.member == member)
    oldest = mine.order_by(tables.session.c.id.desc()).offset(SESSIONS_PER_MEMBER - 1)
    _end(tx, tx.connection.execute(oldest).scalars().all())
    tx.connection.execute(
        insert(tables.session).values(
            token_hash=hashed(token),
            id=session_id,
            member=member,
            created_at=tx.now,
            last_seen_at=tx.now,
            expires_at=expires,
            remembered=remember,
            address=address,
            agent=agent[:300],
            csrf=csrf,
        )
    )
    return Session(session_id, member, csrf, remember, token=token, expires_at=expires)


def sign_out(tx: Tx, session: int) -> None:
    """End this session."""
    tx.connection.execute(delete(tables.session).where(tables.session.c.id == session))
    audit.note(tx, "sign_out", kind="session", object=session)


def elevate(tx: Tx, session: int, password: str) -> datetime:
    """Ask for the password again before acts on the installation; good for a quarter of an hour."""
    if not passwords.verify_password(password, _password_of(tx, tx.actor.member)):
        raise SignInFailed()
    until = tx.now + ELEVATED
    tx.connection.execute(update(tables.session).where(tables.session.c.id == session).values(elevated_until=until))
    audit.note(tx, "elevate", kind="session", object=session)
    return until


def _end(tx: Tx, token_hashes: Iterable[str]) -> None:
    if gone := list(token_hashes):
        tx.connection.execute(delete(tables.session).where(tables.session.c.token_hash.in_(gone)))


# --- recognising who asks ---


def session_actor(services: Services, connection: Connection, token: str, app: str = "") -> Recognised:
    """Recognise a session by its token, or raise NotSignedIn; looks up on the way where an app stands."""
    now, token_hash = services.clock(), hashed(token)
    row = connection.execute(_SESSION_AND_EPOCH, {"token": token_hash, "app": app}).one_or_none()
    if row is None or _is_over(row, now):
        raise NotSignedIn()
    people = services.organisations.known(connection, row.epoch or 0, now)
    if now - row.last_seen_at > LOOKED_AT:
        mine = tables.session.c.token_hash == token_hash
        _remember_look(services, update(tables.session).where(mine).values(last_seen_at=now))
    session = Session(row.id, row.member, row.csrf, row.remembered, row.elevated_until, expires_at=row.expires_at)
    actor = actor_of(people, row.member, credential=f"session:{row.id}")
    return Recognised(actor, people, session, app, row.live)


_SESSION_FIELDS = "id member csrf remembered elevated_until expires_at last_seen_at".split()
_SESSION_AND_EPOCH = select(
    *[tables.session.c[each] for each in _SESSION_FIELDS],
    select(tables.epoch.c.value).where(tables.epoch.c.name == organisation.EPOCH).scalar_subquery().label("epoch"),
    select(tables.app.c.live).where(tables.app.c.name == bindparam("app")).scalar_subquery().label("live"),
).where(tables.session.c.token_hash == bindparam("token"))


def _is_over(row: Row, now: datetime) -> bool:
    idle = IDLE_REMEMBERED if row.remembered else IDLE
    return bool(now >= row.expires_at or now - row.last_seen_at > idle)


def _remember_look(services: Services, statement: Update) -> None:
    """Note when somebody was last here, if that is possible just now: a full disk must not stop who only reads."""
    with suppress(Refusal, SQLAlchemyError), services.database.write() as connection:
        connection.execute(statement)


def key_actor(services: Services, connection: Connection, secret: str, address: str) -> Recognised:
    """Recognise an API key: its owner's rights AND its scopes, while both are valid."""
    now = services.clock()
    row = connection.execute(select(tables.api_key).where(tables.api_key.c.hash == hashed(secret))).one_or_none()
    if row is None or row.revoked_at is not None or now >= row.expires_at or not _from_allowed(row.networks, address):
        raise NotSignedIn()
    if row.last_used_at is None or now - row.last_used_at > LOOKED_AT:
        mine = tables.api_key.c.id == row.id
        _remember_look(services, update(tables.api_key).where(mine).values(last_used_at=now))
    people = services.organisations.at(connection, now)
    scopes = None if row.scopes is None else frozenset(row.scopes)
    actor = actor_of(people, row.member, kind="key", scopes=scopes, credential=f"key:{row.id}")
    return Recognised(actor, people)


def _from_allowed(networks: list[str] | None, address: str) -> bool:
    if not networks:
        return True
    try:
        return any(ip_address(address) in ip_network(network) for network in networks)
    except ValueError:
        return False


def actor_of(people: Organisation, member: int, **more: Any) -> Actor:
    """Give the member as an actor with everything he is at this moment; nobody who has left acts any more."""
    person = people.people.get(member)
    if person is None or not person.active:
        raise NotSignedIn()
    return _actor(people, person, **{"kind": "user", **more})


def _actor(people: Organisation, person: Person, **more: Any) -> Actor:
    return Actor(
        member=person.id,
        name=person.name,
        email=person.email,
        language=person.language,
        time_zone=person.time_zone,
        department=person.department,
        departments=people.below(person.department),
        manager=people.manager_of(person.id),
        roles=person.roles,
        rights=person.rights,
        **more,
    )


# --- my sessions, my password ---


def sessions(tx: Tx) -> list[dict[str, Any]]:
    """List the devices on which the actor is signed in."""
    mine = select(tables.session).where(tables.session.c.member == tx.actor.member)
    rows = tx.connection.execute(mine.order_by(tables.session.c.last_seen_at.desc()))
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
        if not _is_over(row, tx.now)
    ]


def revoke_session(tx: Tx, session: int) -> None:
    """End one of the actor's own sessions."""
    mine = (tables.session.c.id == session) & (tables.session.c.member == tx.actor.member)
    if tx.connection.execute(delete(tables.session).where(mine)).rowcount == 0:
        raise NotFound()
    audit.note(tx, "session_revoked", kind="session", object=session)


def change_password(tx: Tx, old: str, new: str) -> None:
    """Change one's own password; every session ends."""
    if not passwords.verify_password(old, _password_of(tx, tx.actor.member)):
        message = {"en": "The present password is not right", "zh": "当前密码不正确"}
        raise Invalid(Problem(Path(("old_password",)), "wrong_password", message))
    assert tx.actor.member is not None
    set_password(tx, tx.actor.member, new)


def set_password(tx: Tx, member: int, password: str) -> None:
    """Give a member a password and end all his sessions."""
    person = tx.organisation.people.get(member)
    if person is None:
        raise organisation.no_such("member", member)
    passwords.require_good_password(password, (person.name, person.email), admin=bool(person.rights))
    _store_password(tx, member, password)
    end_sessions(tx, member)
    audit.note(tx, "password_set", kind="member", object=member)


def end_sessions(tx: Tx, member: int) -> None:
    """Sign a member out everywhere."""
    tx.connection.execute(delete(tables.session).where(tables.session.c.member == member))


def deactivate(tx: Tx, member: int) -> None:
    """Let a member go: he cannot sign in, his sessions end, his keys stop; his past stays."""
    organisation.change_member(tx, member, active=False)
    end_sessions(tx, member)
    audit.note(tx, "member_deactivated", kind="member", object=member)


def _password_of(tx: Tx, member: int | None) -> str | None:
    return tx.connection.execute(select(tables.member.c.password_hash).where(tables.member.c.id == member)).scalar()


def _store_password(tx: Tx, member: int, password: str) -> None:
    kept = passwords.hash_password(password)
    epoch = tables.member.c.auth_epoch + 1
    tx.connection.execute(
        update(tables.member).where(tables.member.c.id == member).values(password_hash=kept, auth_epoch=epoch)
    )


# --- API keys ---


def create_key(
    tx: Tx, name: str, scopes: list[str] | None, days: int = KEY_DAYS, networks: list[str] | None = None
) -> dict[str, Any]:
    """Make a key of the actor; the answer holds the secret, which is shown this once."""
    _check_key(scopes, days, networks)
    mine = select(tables.api_key.c.id).where(tables.api_key.c.member == tx.actor.member)
    valid = mine.where(tables.api_key.c.revoked_at.is_(None), tables.api_key.c.expires_at > tx.now)
    if len(tx.connection.execute(valid).all()) >= KEYS_PER_MEMBER:
        message = {"en": f"You have {KEYS_PER_MEMBER} keys already", "zh": f"您已有 {KEYS_PER_MEMBER} 个密钥"}
        raise Invalid(Problem(ROOT, "too_many_keys", message, {"en": "Revoke one first", "zh": "请先吊销一个"}))
    secret = KEY_MARK + secrets.token_urlsafe(32)
    row: dict[str, Any] = {
        "id": new_id(),
        "prefix": secret[: len(KEY_MARK) + 6],
        "hash": hashed(secret),
        "member": tx.actor.member,
        "name": name,
        "scopes": None if scopes is None else sorted(set(scopes)),
        "networks": networks,
        "created_at": tx.now,
        "expires_at": tx.now + timedelta(days=days),
    }
    tx.connection.execute(insert(tables.api_key).values(**row))
    audit.note(tx, "key_created", kind="api_key", object=row["id"], detail={"name": name, "scopes": row["scopes"]})
    return {**_shown(row), "key": secret}


def keys(tx: Tx) -> list[dict[str, Any]]:
    """List the actor's keys, without their secrets."""
    mine = select(tables.api_key).where(tables.api_key.c.member == tx.actor.member).order_by(tables.api_key.c.id)
    return [_shown(row._asdict()) for row in tx.connection.execute(mine)]


def revoke_key(tx: Tx, key: int) -> None:
    """Stop one of the actor's own keys."""
    mine = (tables.api_key.c.id == key) & (tables.api_key.c.member == tx.actor.member)
    if tx.connection.execute(update(tables.api_key).where(mine).values(revoked_at=tx.now)).rowcount == 0:
        raise NotFound()
    audit.note(tx, "key_revoked", kind="api_key", object=key)


def _check_key(scopes: list[str] | None, days: int, networks: list[str] | None) -> None:
    if not 1 <= days <= LONGEST_KEY_DAYS:
        message = {"en": "A key lives 1 to 365 days", "zh": "密钥有效期为 1 至 365 天"}
        raise Invalid(Problem(Path(("days",)), "out_of_range", message))
    if unknown := sorted(set(scopes or ()) - SCOPES):
        message = {"en": f"There is no scope {unknown[0]}", "zh": f"不存在权限范围 {unknown[0]}"}
        raise Invalid(Problem(Path(("scopes",)), "unknown_scope", message, ", ".join(sorted(SCOPES))))
    for position, network in enumerate(networks or ()):
        try:
            ip_network(network)
        except ValueError:
            message = {"en": f"{network} is not a network", "zh": f"{network} 不是有效的网段"}
            raise Invalid(Problem(Path(("networks", position)), "not_a_network", message, "192.0.2.0/24")) from None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    shown = ("prefix", "name", "scopes", "networks", "created_at", "expires_at", "last_used_at", "revoked_at")
    return {"id": str(row["id"]), **{name: row.get(name) for name in shown}}


def hashed(secret: str) -> str:
    """A fast hash is right for secrets that are 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def require_elevated(session: Session | None, now: datetime) -> None:
    """Refuse acts on the installation until the password was asked for in the last quarter of an hour."""
    if session is None or session.elevated_until is None or session.elevated_until <= now:
        message = {"en": "Enter your password again for this", "zh": "请再次输入密码以继续"}
        raise Refused(Problem(ROOT, "elevation_required", message))
