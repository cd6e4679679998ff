"""Tickets: tokens that are good for one act of one member, for a while, and then for nothing (T70, L64)."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, delete, insert, select

from metadata.problems import Refusal
from runtime.db import tables
from runtime.identity.tokens import hashed, new_token
from runtime.transaction import Tx

ticket = tables.ticket

LIVES = {"reset": timedelta(minutes=30), "invite": timedelta(days=7), "second_step": timedelta(minutes=5)}


class TicketOver(Refusal):
    """The ticket was used, has expired, or never was one: all sound the same."""

    status = 410
    code = "link_over"
    title = {"en": "This link has been used or has expired", "zh": "该链接已使用或已过期"}


def issue(tx: Tx, member: int, purpose: str) -> str:
    """Make a ticket; those of the same purpose that the member has already are good for nothing from now on."""
    forget(tx, member, purpose)
    token = new_token()
    row = {"token_hash": hashed(token), "member": member, "purpose": purpose, "created_at": tx.now}
    tx.connection.execute(insert(ticket).values(**row, expires_at=tx.now + LIVES[purpose]))
    return token


def find(connection: Connection, token: str, purposes: tuple[str, ...], now: datetime) -> Row:
    """Give the ticket that a token stands for, without using it up."""
    valid = (ticket.c.token_hash == hashed(token)) & ticket.c.purpose.in_(purposes) & (ticket.c.expires_at > now)
    row = connection.execute(select(ticket).where(valid)).one_or_none()
    if row is None:
        raise TicketOver()
    return row


def use(tx: Tx, token: str, purposes: tuple[str, ...]) -> Row:
    """Use the ticket up; of two who try at once only one succeeds."""
    row = find(tx.connection, token, purposes, tx.now)
    mine = ticket.c.token_hash == row.token_hash
    if tx.connection.execute(delete(ticket).where(mine)).rowcount != 1:
        raise TicketOver()
    return row


def forget(tx: Tx, member: int, *purposes: str) -> None:
    """Make the member's tickets worthless; all of them where no purpose is named."""
    his = ticket.c.member == member
    tx.connection.execute(delete(ticket).where(his & ticket.c.purpose.in_(purposes or LIVES)))


def purge(connection: Connection, now: datetime) -> int:
    """Forget the tickets that have expired."""
    return connection.execute(delete(ticket).where(ticket.c.expires_at < now)).rowcount
