"""Signing in: the password, then the code of who has a second factor; and showing once more that it is you."""

from sqlalchemy import Row, select

from engines.actor import Actor
from metadata.problems import Path, Problem, Refusal
from runtime import audit, organisation
from runtime.db import tables
from runtime.identity import passwords, second_factor, sessions, sign_in_delays, tickets
from runtime.identity.recognised import NOBODY
from runtime.identity.sessions import Session
from runtime.organisation.members import store_password
from runtime.services import Services
from runtime.transaction import Cause, Tx, run

member = tables.member

SLOWED = {"limit": "wrong tries to sign in", "count": sign_in_delays.FREE_FAILURES}


class SignInFailed(Refusal):
    """E-mail and password do not belong together; says no more, whoever asked."""

    status = 401
    code = "sign_in_failed"
    title = {"en": "E-mail and password do not match", "zh": "邮箱或密码不正确"}


class NotYou(Refusal):
    """The password, or the code, that was to show who sits there is wrong."""

    status = 401
    code = "not_confirmed"
    title = {"en": "The password or the code is not right", "zh": "密码或验证码不正确"}


class CodeRequired(Refusal):
    """The password is right; the code of the second factor is asked for next. Carries the ticket for that."""

    status = 401
    code = "code_required"
    title = {"en": "Enter the code of your authenticator app", "zh": "请输入身份验证器中的验证码"}


class WrongCode(Refusal):
    """The code of the second factor is wrong, or was used before."""

    status = 401
    code = "wrong_code"
    title = {"en": "The code is not right, or was used before", "zh": "验证码不正确或已被使用"}


def sign_in(
    services: Services, email: str, password: str, *, address: str, agent: str, remember: bool, cause: Cause
) -> Session:
    """Open a session for who knows the password; wrong tries are slowed down per account and per address."""
    email = organisation.normal_email(email)[:320]
    found = _patiently(services, email, address)
    kept = found.password_hash if found is not None and found.active else None
    if not passwords.verify_password(password, kept):
        run(services, NOBODY, lambda tx: _failed(tx, "sign_in", email, address, found), cause)
        raise SignInFailed()
    assert found is not None and kept is not None

    def work(tx: Tx) -> Session | str:
        if passwords.needs_rehash(kept):
            store_password(tx, found.id, password)
        if second_factor.is_on(tx.connection, found.id):
            return tickets.issue(tx, found.id, "second_step")
        return _enter(tx, found, address, agent, remember)

    entered = run(services, NOBODY, work, cause)
    if isinstance(entered, str):
        raise CodeRequired(ticket=entered)
    return entered


def enter_code(
    services: Services, ticket: str, code: str, *, address: str, agent: str, remember: bool, cause: Cause
) -> Session:
    """Finish a sign-in with the code of the second factor; wrong codes are slowed down like wrong passwords."""
    with services.database.read() as connection:
        waiting = tickets.find(connection, ticket, ("second_step",), services.clock())
        found = connection.execute(select(member).where(member.c.id == waiting.member)).one_or_none()
    if found is None or not found.active:
        raise tickets.TicketOver()
    _patiently(services, found.email, address)

    def work(tx: Tx) -> Session | None:
        _one_at_a_time(tx, found, address)
        if not second_factor.accept(tx, found.id, code):
            _failed(tx, "second_factor", found.email, address, found)
            return None
        tickets.use(tx, ticket, ("second_step",))
        return _enter(tx, found, address, agent, remember)

    entered = run(services, NOBODY, work, cause)
    if entered is None:
        raise WrongCode(Problem(Path(("code",)), "wrong_code", WrongCode.title))
    return entered


def elevate(
    services: Services, actor: Actor, session: Session, password: str, code: str, *, address: str, cause: Cause
) -> Session:
    """Ask once more for the password (and the code of who has a second factor) before an act on the installation."""
    with services.database.read() as connection:
        found = connection.execute(select(member).where(member.c.id == session.member)).one()
        needs_code = second_factor.is_on(connection, session.member)
    _patiently(services, found.email, address)
    knows = passwords.verify_password(password, found.password_hash if found.active else None)

    def work(tx: Tx) -> Session | None:
        _one_at_a_time(tx, found, address)
        if not knows or (needs_code and not second_factor.accept(tx, found.id, code)):
            _failed(tx, "elevate", found.email, address, found)
            return None
        sign_in_delays.forget_failures(tx, found.email, address)
        audit.note(tx, "elevate", kind="session", object=session.id)
        return sessions.elevate(tx, session)

    elevated = run(services, actor, work, cause)
    if elevated is None:
        raise NotYou(Problem(Path(("code" if knows else "password",)), "not_confirmed", NotYou.title))
    return elevated


def _patiently(services: Services, email: str, address: str) -> Row | None:
    """The member of an e-mail address, unless too many wrong tries lie too short a while back."""
    with services.database.read() as connection:
        found = connection.execute(select(member).where(member.c.email == email)).one_or_none()
        id = found.id if found is not None else None
        sign_in_delays.require_patience(connection, email, address, id, services.clock())
    return found


def _one_at_a_time(tx: Tx, found: Row, address: str) -> None:
    """Let the tries for one member wait for each other, so that those that come at once are counted too."""
    tx.connection.execute(select(member.c.id).where(member.c.id == found.id).with_for_update(key_share=True))
    sign_in_delays.require_patience(tx.connection, found.email, address, found.id, tx.now)


def _failed(tx: Tx, action: str, email: str, address: str, found: Row | None) -> None:
    sign_in_delays.count_failure(tx, email, address)
    if sign_in_delays.is_slowed_from_now_on(tx, email):
        audit.note(tx, "limit_hit", kind="member", object=found.id if found is not None else None, detail=SLOWED)
    id = found.id if found is not None else None
    audit.note(tx, action, kind="member", object=id, result="failed", detail={"from": address})


def _enter(tx: Tx, found: Row, address: str, agent: str, remember: bool) -> Session:
    sign_in_delays.forget_failures(tx, found.email, address)
    session = sessions.open_session(tx, found.id, address, agent, remember)
    audit.note(tx, "sign_in", kind="member", object=found.id, detail={"from": address, "session": str(session.id)})
    return session
