"""Members as they are looked after: whatever changes who may do what ends what it must, and is told in the audit."""

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select, update

from engines.organisation import Person
from metadata.problems import Invalid, Path, Problem
from metadata.text import say
from runtime import audit
from runtime.db import tables
from runtime.identity import passwords, second_factor, sessions, tickets
from runtime.organisation import dated
from runtime.transaction import Tx


def add(tx: Tx, name: str, email: str, *, rights: frozenset[str] = frozenset(), password: str = "", **more: Any) -> int:
    """Add a member; without a password he needs an invitation before he can sign in."""
    kept = None
    if password:
        passwords.require_good_password(password, _own_words(tx, name, email), admin=bool(rights))
        kept = passwords.hash_password(password)
    member = dated.add_member(tx, name, email, rights=rights, password_hash=kept, **more)
    audit.note(tx, "member_added", kind="member", object=member, detail={"rights": sorted(rights)})
    return member


def change(tx: Tx, member: int, **changes: Any) -> None:
    """Change a member; department and manager change from now on. Who is let go is out at once."""
    before = _person(tx, member)
    plain = {name: value for name, value in changes.items() if name not in ("department", "manager")}
    if plain:
        dated.change_member(tx, member, **plain)
    if "department" in changes:
        dated.set_department(tx, member, changes["department"])
    if "manager" in changes:
        dated.set_manager(tx, member, changes["manager"])
    if changes.get("active") is False:
        sessions.end_sessions(tx, member)
    if changes.get("active") is False or changes.get("email", before.email) != before.email:
        tickets.forget(tx, member)  # they went to an address that is not his any more
    detail = {"before": {name: _told(before, name) for name in changes}, "after": changes}
    audit.note(tx, "member_changed", kind="member", object=member, detail=detail)


def grant_role(tx: Tx, app: str, role: str, member: int) -> None:
    """Give a member a role (its id) of an app."""
    dated.grant_role(tx, app, role, member)
    audit.note(tx, "role_granted", kind="member", object=member, app=app, detail={"role": role})


def withdraw_role(tx: Tx, app: str, role: str, member: int) -> None:
    """Take a role of an app away."""
    dated.withdraw_role(tx, app, role, member)
    audit.note(tx, "role_withdrawn", kind="member", object=member, app=app, detail={"role": role})


def take_second_factor(tx: Tx, member: int) -> None:
    """Take the second factor of a member away who has lost it; he is signed out everywhere."""
    _person(tx, member)
    second_factor.turn_off(tx, member)
    sessions.end_sessions(tx, member)


def set_password(tx: Tx, member: int, password: str) -> None:
    """Give a member a password; his sessions end, and no link to set one works any more."""
    person = _person(tx, member)
    passwords.require_good_password(password, _own_words(tx, person.name, person.email), admin=bool(person.rights))
    store_password(tx, member, password)
    sessions.end_sessions(tx, member)
    tickets.forget(tx, member)
    audit.note(tx, "password_set", kind="member", object=member)


def change_password(tx: Tx, old: str, new: str) -> None:
    """Change one's own password; every session ends."""
    member = tx.actor.member
    assert member is not None
    kept = tx.connection.execute(select(tables.member.c.password_hash).where(tables.member.c.id == member)).scalar()
    if not passwords.verify_password(old, kept):
        message = {"en": "The present password is not right", "zh": "当前密码不正确"}
        raise Invalid(Problem(Path(("old_password",)), "wrong_password", message))
    set_password(tx, member, new)


def store_password(tx: Tx, member: int, password: str) -> None:
    """Keep the hash of a password."""
    kept = passwords.hash_password(password)
    epoch = tables.member.c.auth_epoch + 1
    tx.connection.execute(
        update(tables.member).where(tables.member.c.id == member).values(password_hash=kept, auth_epoch=epoch)
    )


def _own_words(tx: Tx, name: str, email: str) -> tuple[str, ...]:
    """What anybody would try first here: the person's names, the apps, the departments, the address."""
    apps = tx.connection.execute(select(tables.app.c.name, tables.app.c.title)).all()
    titles = [say(row.title, language) for row in apps for language in ("en", "zh")]
    departments = [department.name for department in tx.organisation.departments.values()]
    host = urlsplit(tx.settings.address).hostname or ""
    return (name, email, host, *(row.name for row in apps), *titles, *departments)


def _person(tx: Tx, member: int) -> Person:
    if member not in tx.organisation.people:
        raise dated.no_such("member", member)
    return tx.organisation.people[member]


def _told(person: Person, name: str) -> Any:
    value = getattr(person, name)
    return sorted(value) if isinstance(value, frozenset) else value
