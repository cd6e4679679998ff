"""Who asks: sessions and API keys, recognised at each request and checked against the member as he is now."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Update, bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from engines.actor import Actor, acting
from engines.organisation import Organisation
from metadata.problems import Refusal
from runtime import organisation
from runtime.db import tables
from runtime.identity import api_keys
from runtime.identity.sessions import Session, is_over
from runtime.identity.tokens import hashed
from runtime.services import Services

LOOKED_AT = timedelta(minutes=5)  # how exactly the last look is kept


class NotSignedIn(Refusal):
    """Nobody is signed in, or not any more."""

    status = 401
    code = "not_signed_in"
    title = {"en": "Please sign in", "zh": "请先登录"}


@dataclass(frozen=True)
class Recognised:
    """Who asks, and what was read along with him: the organisation, and the live manifest of the app asked for."""

    actor: Actor
    organisation: Organisation
    session: Session | None = None
    app: str = ""
    manifest: int | None = None
    withheld: frozenset[str] = frozenset()  # rights that wait for a second factor


NOBODY = Actor(kind="public", name="nobody")


def session_actor(services: Services, connection: Connection, token: str, app: str = "") -> Recognised:
    """Recognise a session by its token, or raise NotSignedIn; looks up on the way where an app stands."""
    now, token_hash = services.clock(), hashed(token)
    row = connection.execute(_SESSION_AND_EPOCH, {"token": token_hash, "app": app}).one_or_none()
    if row is None or is_over(row, now):
        raise NotSignedIn()
    people = services.organisations.known(connection, row.epoch or 0, now)
    if now - row.last_seen_at > LOOKED_AT:
        mine = tables.session.c.token_hash == token_hash
        _remember_look(services, update(tables.session).where(mine).values(last_seen_at=now))
    session = Session(row.id, row.member, row.csrf, row.remembered, row.elevated_until, expires_at=row.expires_at)
    actor = actor_of(people, row.member, credential=f"session:{row.id}")
    actor, withheld = _without_rights_in_waiting(services, actor, row.second_factor)
    return Recognised(actor, people, session, app, row.live, withheld)


_SECOND_FACTOR = select(tables.second_factor.c.confirmed_at)
_SESSION_FIELDS = "id member csrf remembered elevated_until expires_at last_seen_at".split()
_SESSION_AND_EPOCH = select(
    *[tables.session.c[each] for each in _SESSION_FIELDS],
    _SECOND_FACTOR.where(tables.second_factor.c.member == tables.session.c.member)
    .scalar_subquery()
    .label("second_factor"),
    select(tables.epoch.c.value).where(tables.epoch.c.name == organisation.EPOCH).scalar_subquery().label("epoch"),
    select(tables.app.c.live).where(tables.app.c.name == bindparam("app")).scalar_subquery().label("live"),
).where(tables.session.c.token_hash == bindparam("token"))


def _remember_look(services: Services, statement: Update) -> None:
    """Note when somebody was last here, if that is possible just now: a full disk must not stop who only reads."""
    with suppress(Refusal, SQLAlchemyError), services.database.write() as connection:
        connection.execute(statement)


def key_actor(services: Services, connection: Connection, secret: str, address: str) -> Recognised:
    """Recognise an API key: its owner's rights AND its scopes, while both are valid."""
    now = services.clock()
    row = connection.execute(select(tables.api_key).where(tables.api_key.c.hash == hashed(secret))).one_or_none()
    if (
        row is None
        or row.revoked_at is not None
        or now >= row.expires_at
        or not api_keys.is_from(row.networks, address)
    ):
        raise NotSignedIn()
    if row.last_used_at is None or now - row.last_used_at > LOOKED_AT:
        mine = tables.api_key.c.id == row.id
        _remember_look(services, update(tables.api_key).where(mine).values(last_used_at=now))
    people = services.organisations.at(connection, now)
    scopes = None if row.scopes is None else frozenset(row.scopes)
    actor = actor_of(people, row.member, kind="key", scopes=scopes, credential=f"key:{row.id}")
    confirmed = connection.execute(_SECOND_FACTOR.where(tables.second_factor.c.member == row.member)).scalar()
    actor, withheld = _without_rights_in_waiting(services, actor, confirmed)
    return Recognised(actor, people, withheld=withheld)


def _without_rights_in_waiting(
    services: Services, actor: Actor, confirmed: datetime | None
) -> tuple[Actor, frozenset[str]]:
    """Where administrators need a second factor, their rights wait until they have one."""
    if not services.settings.admins_need_second_factor or confirmed is not None:
        return actor, frozenset()
    return replace(actor, rights=frozenset()), actor.rights


def actor_of(people: Organisation, member: int, **more: Any) -> Actor:
    """Give the member as an actor with everything he is at this moment; nobody who has left acts any more."""
    person = people.people.get(member)
    if person is None or not person.active:
        raise NotSignedIn()
    return acting(people, person, rights=person.rights, **more)
