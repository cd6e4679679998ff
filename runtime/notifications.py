"""Inboxes: short messages to members, each in his language, about a record or about the work of the platform."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engines.effects import Notify
from engines.organisation import Organisation
from metadata.text import Text, say
from runtime.db import tables
from runtime.db.ids import new_id

if TYPE_CHECKING:
    from runtime.transaction import Tx

notification = tables.notification

LONGEST_TITLE = 300
LONGEST_BODY = 5000
PAGE_SIZE = 50


def put(tx: "Tx", app: str | None, effect: Notify) -> None:
    """Put a message into the inboxes of its members."""
    rows = []
    for member in dict.fromkeys(effect.to):
        person = tx.organisation.people.get(member)
        if person is None or not person.active:
            continue
        rows.append(
            {
                "id": new_id(),
                "member": member,
                "app": app,
                "form": effect.form,
                "record": effect.record,
                "title": _one_line(say(effect.title, person.language))[:LONGEST_TITLE],
                "body": say(effect.body, person.language)[:LONGEST_BODY],
                "at": tx.now,
                "cause": tx.cause_id,
            }
        )
    if rows:
        tx.connection.execute(insert(notification), rows)


def inbox(
    tx: "Tx", unread_only: bool = False, before: int | None = None, size: int = PAGE_SIZE
) -> list[dict[str, Any]]:
    """The actor's own messages, the latest first; `before` (an id) turns the page."""
    wanted = select(notification).where(notification.c.member == tx.actor.member)
    if unread_only:
        wanted = wanted.where(notification.c.read_at.is_(None))
    if before is not None:
        wanted = wanted.where(notification.c.id < before)
    rows = tx.connection.execute(wanted.order_by(notification.c.id.desc()).limit(size)).mappings()
    return [dict(row) for row in rows]


def unread(tx: "Tx") -> int:
    """How many messages the actor has not read."""
    mine = (notification.c.member == tx.actor.member) & notification.c.read_at.is_(None)
    return tx.connection.scalar(select(func.count()).select_from(notification).where(mine)) or 0


def is_mine(tx: "Tx", id: int) -> bool:
    """Whether a message is the actor's own."""
    mine = (notification.c.member == tx.actor.member) & (notification.c.id == id)
    return tx.connection.scalar(select(notification.c.id).where(mine)) is not None


def mark_read(tx: "Tx", id: int | None = None) -> int:
    """Mark one of the actor's messages as read, or all of them; gives how many were unread."""
    mine = (notification.c.member == tx.actor.member) & notification.c.read_at.is_(None)
    if id is not None:
        mine &= notification.c.id == id
    return tx.connection.execute(update(notification).where(mine).values(read_at=tx.now)).rowcount


def tell_keepers(
    connection: Connection, organisation: Organisation, now: datetime, title: Text, body: Text = ""
) -> None:
    """Tell those who look after the apps what the platform cannot put right by itself."""
    keepers = [person for person in organisation.people.values() if person.active and "app_admin" in person.rights]
    rows = [
        {
            "id": new_id(),
            "member": person.id,
            "title": _one_line(say(title, person.language))[:LONGEST_TITLE],
            "body": say(body, person.language)[:LONGEST_BODY],
            "at": now,
        }
        for person in keepers
    ]
    if rows:
        blank = dict.fromkeys(notification.c.keys())
        connection.execute(insert(notification), [{**blank, **row} for row in rows])


def tell_keepers_daily(
    connection: Connection, organisation: Organisation, now: datetime, about: str, title: Text, body: Text = ""
) -> None:
    """The same, about one thing once a day at most."""
    mark = tables.watermark
    insert_new = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    told = insert_new(mark).values(name=f"told:{about}", at=now)
    told = told.on_conflict_do_update(
        index_elements=["name"], set_={"at": now}, where=mark.c.at <= now - timedelta(days=1)
    )
    if connection.scalar(told.returning(mark.c.name)) is not None:
        tell_keepers(connection, organisation, now, title, body)


def _one_line(text: str) -> str:
    return " ".join(text.split())
