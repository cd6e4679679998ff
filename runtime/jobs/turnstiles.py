"""Turnstiles: so many in a while may pass, and who comes after them is told in which while there is room for him.

One small row for each turnstile, moved by one statement: whoever is told to wait has his place and needs no other.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, case
from sqlalchemy.dialects import postgresql, sqlite

from runtime.db import tables

turnstile = tables.turnstile

MINUTE, HOUR = 60, 3600
RUNS_OF_A_RULE_A_MINUTE = 600  # L38
MAILS_OF_A_MEMBER_AN_HOUR = 200  # L45
MAILS_OF_A_RUN_AT_ONCE = 50  # L45; what is more goes out a minute later, and so on


@dataclass(frozen=True)
class Turnstile:
    """What is counted, and how often it may happen in how many seconds."""

    name: str
    most: int
    seconds: int


def of_rule(app: str, rule: str) -> Turnstile:
    """How often a rule may act in jobs of its own."""
    return Turnstile(f"rule:{app}:{rule}", RUNS_OF_A_RULE_A_MINUTE, MINUTE)


def of_mails_by(member: int) -> Turnstile:
    """How many mails somebody may set off."""
    return Turnstile(f"mail:{member}", MAILS_OF_A_MEMBER_AN_HOUR, HOUR)


def of_mails(most: int) -> Turnstile:
    """How many mails the installation may send."""
    return Turnstile("mail", most, MINUTE)


def take_place(connection: Connection, gate: Turnstile, now: datetime) -> datetime:
    """Take the next free place; gives when its while begins, which is past where there is room now."""
    this = int(now.timestamp()) // gate.seconds
    behind, full = turnstile.c.period < this, turnstile.c.used >= gate.most
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    taken = insert(turnstile).values(name=gate.name, period=this, used=1)
    moved = taken.on_conflict_do_update(
        index_elements=["name"],
        set_={
            "period": case((behind, this), (full, turnstile.c.period + 1), else_=turnstile.c.period),
            "used": case((behind, 1), (full, 1), else_=turnstile.c.used + 1),
        },
    )
    period = connection.scalar(moved.returning(turnstile.c.period))
    assert period is not None
    return datetime.fromtimestamp(period * gate.seconds, UTC)
