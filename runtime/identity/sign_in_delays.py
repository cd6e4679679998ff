"""Slows down guessing: failures per account and per address are counted, successes never are (L58)."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from metadata.problems import ROOT, LimitExceeded, Problem
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.transaction import Tx

FREE_FAILURES = 5
LONGEST_DELAY = timedelta(seconds=60)
ACCOUNT_MEMORY = timedelta(minutes=15)
ADDRESS_FAILURES, ADDRESS_MEMORY = 30, timedelta(minutes=1)
LONGEST_MEMORY = timedelta(hours=2)


class TooManyAttempts(LimitExceeded):
    """Somebody guesses; he may try again in a while."""

    status = 429
    code = "too_many_attempts"
    title = {"en": "Too many wrong tries; wait a moment", "zh": "尝试次数过多，请稍后再试"}

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, round(wait.total_seconds()))
        message = {
            "en": f"Too many wrong tries; wait {seconds} seconds",
            "zh": f"尝试次数过多，请等待 {seconds} 秒后再试",
        }
        super().__init__(Problem(ROOT, "too_many_attempts", message), status=429)
        self.retry_after = seconds


def require_patience(connection: Connection, email: str, address: str, member: int | None, now: datetime) -> None:
    """Refuse to look at the password as long as the delay lasts.

    A stranger's wrong guesses must not shut the owner out: from an address where he is signed in already only the
    failures from there count.
    """
    subject = _pair(email, address) if _is_known_there(connection, member, address) else _account(email)
    failures, last = tries(connection, subject, now - ACCOUNT_MEMORY)
    if failures >= FREE_FAILURES and last is not None:
        until = last + min(LONGEST_DELAY, timedelta(seconds=2 ** min(failures - FREE_FAILURES, 6)))
        if now < until:
            raise TooManyAttempts(until - now)
    failures, last = tries(connection, _address(address), now - ADDRESS_MEMORY)
    if failures >= ADDRESS_FAILURES and last is not None:
        raise TooManyAttempts(last + ADDRESS_MEMORY - now)


def count_failure(tx: Tx, email: str, address: str) -> None:
    """Remember a wrong try, and forget those that no longer matter."""
    remember(tx, (_account(email), _pair(email, address), _address(address)), ACCOUNT_MEMORY)


def is_slowed_from_now_on(tx: Tx, email: str) -> bool:
    """Tell whether the failure just counted was the last free one."""
    return tries(tx.connection, _account(email), tx.now - ACCOUNT_MEMORY)[0] == FREE_FAILURES


def remember(tx: Tx, subjects: Sequence[str], memory: timedelta) -> None:
    """Count a try of each subject; what lies longer back than the memory goes."""
    rows = [{"id": new_id(), "subject": subject, "at": tx.now} for subject in subjects]
    tx.connection.execute(insert(tables.login_failure), rows)
    old = tables.login_failure.c.at < tx.now - memory
    tx.connection.execute(delete(tables.login_failure).where(tables.login_failure.c.subject.in_(subjects), old))


def forget_failures(tx: Tx, email: str, address: str) -> None:
    """The right password makes the account's wrong tries harmless; those of the address stay."""
    subjects = (_account(email), _pair(email, address))
    tx.connection.execute(delete(tables.login_failure).where(tables.login_failure.c.subject.in_(subjects)))


def tries(connection: Connection, subject: str, since: datetime) -> tuple[int, datetime | None]:
    """How often a subject tried since a moment, and when last."""
    failure = tables.login_failure.c
    query = select(func.count(), func.max(failure.at)).where(failure.subject == subject, failure.at > since)
    count, last = connection.execute(query).one()
    return count, last


def purge(connection: Connection, now: datetime) -> int:
    """Forget the tries that count for nothing any more."""
    old = tables.login_failure.c.at < now - LONGEST_MEMORY
    return connection.execute(delete(tables.login_failure).where(old)).rowcount


def _is_known_there(connection: Connection, member: int | None, address: str) -> bool:
    if member is None:
        return False
    there = select(tables.session.c.id).where(tables.session.c.member == member, tables.session.c.address == address)
    return connection.execute(there.limit(1)).scalar() is not None


def _account(email: str) -> str:
    return "account:" + hashlib.sha256(email.encode()).hexdigest()


def _pair(email: str, address: str) -> str:
    return "pair:" + hashlib.sha256(f"{email}|{address}".encode()).hexdigest()


def _address(address: str) -> str:
    return f"address:{address}"
