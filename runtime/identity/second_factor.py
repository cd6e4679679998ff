"""Second factors: a code from an authenticator app (TOTP), each good once, and ten recovery codes (S7)."""

import hmac
import secrets
from dataclasses import dataclass

import pyotp
import structlog
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from metadata.problems import ROOT as HERE
from metadata.problems import Conflict, Invalid, Path, Problem
from runtime import audit, vault
from runtime.db import tables
from runtime.identity.tokens import hashed
from runtime.transaction import Tx

log = structlog.get_logger("fourfold.identity")

factor, recovery_code = tables.second_factor, tables.recovery_code

ISSUER = "Fourfold"
SECONDS = 30
DRIFT = (-1, 0, 1)  # clocks differ: the codes before and after are good too
RECOVERY_CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another


@dataclass(frozen=True)
class Enrolment:
    """What an authenticator app has to know: the secret to type, and the address to scan."""

    secret: str
    address: str


def is_on(connection: Connection, member: int) -> bool:
    """Tell whether a member confirmed a second factor."""
    mine = (factor.c.member == member) & factor.c.confirmed_at.is_not(None)
    return connection.execute(select(factor.c.member).where(mine)).scalar() is not None


def codes_left(connection: Connection, member: int) -> int:
    """How many recovery codes of a member still work."""
    mine = (recovery_code.c.member == member) & recovery_code.c.used_at.is_(None)
    return connection.execute(select(func.count()).select_from(recovery_code).where(mine)).scalar_one()


def begin(tx: Tx) -> Enrolment:
    """Make a secret for the actor; it counts for nothing until a code made with it confirms it."""
    member = _me(tx)
    if is_on(tx.connection, member):
        message = {"en": "You have a second factor already", "zh": "您已启用两步验证"}
        raise Conflict(Problem(HERE, "second_factor_on", message))
    secret = pyotp.random_base32()
    tx.connection.execute(delete(factor).where(factor.c.member == member))
    sealed = vault.seal(tx.settings, secret, _about(member))
    tx.connection.execute(insert(factor).values(member=member, secret=sealed, created_at=tx.now))
    return _enrolment(tx, secret)


def begun(tx: Tx) -> Enrolment | None:
    """The secret that the actor has not confirmed yet, to be shown once more."""
    row = _row(tx, _me(tx))
    if row is None or row.confirmed_at is not None:
        return None
    return _enrolment(tx, vault.unseal(tx.settings, row.secret, _about(row.member)))


def confirm(tx: Tx, code: str) -> list[str]:
    """Turn the second factor on with a first code; gives the recovery codes, which are shown this once."""
    member = _me(tx)
    row = _row(tx, member)
    if row is None or row.confirmed_at is not None or not _is_fresh_code(tx, row, code):
        message = {"en": "The code is not right; take the one shown now", "zh": "验证码不正确，请输入当前显示的验证码"}
        raise Invalid(Problem(Path(("code",)), "wrong_code", message))
    tx.connection.execute(update(factor).where(factor.c.member == member).values(confirmed_at=tx.now))
    audit.note(tx, "second_factor_on", kind="member", object=member)
    return _new_codes(tx, member)


def renew_codes(tx: Tx) -> list[str]:
    """Give the actor ten new recovery codes; the old ones stop working."""
    member = _me(tx)
    if not is_on(tx.connection, member):
        raise Conflict(
            Problem(HERE, "second_factor_off", {"en": "You have no second factor", "zh": "您尚未启用两步验证"})
        )
    audit.note(tx, "recovery_codes_renewed", kind="member", object=member)
    return _new_codes(tx, member)


def accept(tx: Tx, member: int, code: str) -> bool:
    """Tell whether a code is right, and use it up: from the app, or one of the recovery codes."""
    row = _row(tx, member)
    if row is None or row.confirmed_at is None:
        return False
    return _is_fresh_code(tx, row, code) or _use_recovery_code(tx, member, code)


def turn_off(tx: Tx, member: int) -> None:
    """Take the second factor and the recovery codes of a member away."""
    tx.connection.execute(delete(factor).where(factor.c.member == member))
    tx.connection.execute(delete(recovery_code).where(recovery_code.c.member == member))
    audit.note(tx, "second_factor_off", kind="member", object=member)


def _is_fresh_code(tx: Tx, row: Row, code: str) -> bool:
    """Compare with the codes of this moment, later than the last one used; whoever comes second with one is late."""
    given = "".join(code.split())
    if not (given.isascii() and given.isdigit() and len(given) == 6):
        return False
    step = _matching_step(tx, row, given)
    if step is None:
        return False
    unused = factor.c.last_step.is_(None) | (factor.c.last_step < step)
    used_up = update(factor).where((factor.c.member == row.member) & unused).values(last_step=step)
    return tx.connection.execute(used_up).rowcount == 1


def _matching_step(tx: Tx, row: Row, given: str) -> int | None:
    try:
        codes = pyotp.TOTP(vault.unseal(tx.settings, row.secret, _about(row.member)))
    except vault.WrongMasterKey:
        log.error("second_factor_unreadable", member=row.member)
        return None
    now = int(tx.now.timestamp()) // SECONDS
    right = [now + drift for drift in DRIFT if hmac.compare_digest(codes.generate_otp(now + drift), given)]
    return right[0] if right else None


def _use_recovery_code(tx: Tx, member: int, code: str) -> bool:
    mine = (recovery_code.c.hash == hashed(_plain(code))) & (recovery_code.c.member == member)
    used = update(recovery_code).where(mine & recovery_code.c.used_at.is_(None)).values(used_at=tx.now)
    if tx.connection.execute(used).rowcount != 1:
        return False
    left = {"left": codes_left(tx.connection, member)}
    audit.note(tx, "recovery_code_used", kind="member", object=member, detail=left)
    return True


def _new_codes(tx: Tx, member: int) -> list[str]:
    codes = [
        "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4)) for _ in range(RECOVERY_CODES)
    ]
    tx.connection.execute(delete(recovery_code).where(recovery_code.c.member == member))
    rows = [{"hash": hashed(_plain(code)), "member": member, "created_at": tx.now} for code in codes]
    tx.connection.execute(insert(recovery_code), rows)
    return codes


def _plain(code: str) -> str:
    return "".join(code.lower().replace("-", "").split())


def _enrolment(tx: Tx, secret: str) -> Enrolment:
    address = pyotp.TOTP(secret).provisioning_uri(name=tx.actor.email, issuer_name=ISSUER)
    return Enrolment(secret, address)


def _row(tx: Tx, member: int) -> Row | None:
    return tx.connection.execute(select(factor).where(factor.c.member == member)).one_or_none()


def _about(member: int) -> str:
    return f"second_factor:{member}"


def _me(tx: Tx) -> int:
    assert tx.actor.member is not None
    return tx.actor.member
