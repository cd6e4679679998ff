"""A request that is sent twice happens once: its answer is stored in the transaction of its effect (S3)."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engines.actor import Actor
from metadata.problems import ROOT, Conflict, Invalid, Path, Problem, Refusal
from runtime.db import tables
from runtime.db.engine import write_json
from runtime.services import Services
from runtime.transaction import Cause, JustRead, Tx, run

LIFE = timedelta(hours=24)
STORED_BODY = 64_000
NOT_STORED = {401, 403, 429}


@dataclass(frozen=True)
class Answer:
    """What a route says: a status, a JSON value, and headers such as ETag."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Key:
    """One request of one actor, however often it is sent."""

    principal: str
    route: str
    key: str
    fingerprint: str
    keeps_refusals: bool = True

    def of_its_content(self) -> "Key":
        """The key of other content that came under this one: a request of its own, and the same for its repeats."""
        return replace(self, key=f"{self.key[:100]}+{self.fingerprint[:24]}")

    def of_a_form(self) -> "Key":
        """The key of a form that a person fills in: whoever is refused corrects it and sends it again."""
        return replace(self, keeps_refusals=False)


Work = Callable[[Tx], Answer]


class InProgress(Conflict):
    """The first sending of the same request is still being answered."""

    code = "in_progress"
    title = {"en": "The same request is being answered already", "zh": "相同的请求正在处理中"}
    retry_after = 1


class KeyReused(Invalid):
    """The key belongs to another request."""

    code = "key_reused"
    first: "Answer | None" = None  # what was answered when the key was used first


class RefusedBefore(Refusal):
    """The stored refusal of the same request, said again."""

    headers = {"Idempotency-Replayed": "true"}


NEVER_STORED = (InProgress, KeyReused, RefusedBefore)


def key_of(actor: Actor, key: str | None, route: str, body: bytes) -> Key | None:
    """Give the key of a request; None where the client sent none."""
    if key is None:
        return None
    if not (1 <= len(key) <= 128 and key.isascii() and key.isprintable()):
        message = {
            "en": "An Idempotency-Key has 1 to 128 printable characters",
            "zh": "Idempotency-Key 须为 1 至 128 个可打印字符",
        }
        raise Invalid(Problem(ROOT, "bad_idempotency_key", message))
    fingerprint = hashlib.sha256(route.encode() + b"\n" + _canonical(body)).hexdigest()
    return Key(f"{actor.kind}:{actor.member or actor.credential}", route, key, fingerprint)


def once(
    services: Services,
    actor: Actor,
    key: Key | None,
    work: Work,
    cause: Cause | None = None,
    known: JustRead | None = None,
) -> Answer:
    """Do the work in a transaction, or give the stored answer of the same request."""
    if key is None:
        return run(services, actor, work, cause, known)
    with _answering(services, key):
        return run(services, actor, _unless_answered(key, work), cause, known)


def once_prepared(
    services: Services, actor: Actor, key: Key | None, prepare: Callable[[], Work], cause: Cause | None = None
) -> Answer:
    """As `once`, for work that takes long to prepare: a repeat prepares nothing, and no transaction waits for it."""
    if key is None:
        return run(services, actor, prepare(), cause)
    with _answering(services, key):
        before = run(services, actor, lambda tx: _replay(tx, key))
        return before or run(services, actor, _unless_answered(key, prepare()), cause)


@contextmanager
def _answering(services: Services, key: Key) -> Iterator[None]:
    """Answer a request alone; where its repeats are to be refused alike, its refusal is kept."""
    with _alone(services, key):
        try:
            yield
        except Refusal as refusal:
            if key.keeps_refusals:
                _store_refusal(services, key, refusal)
            raise


def _unless_answered(key: Key, work: Work) -> Work:
    return lambda tx: _replay(tx, key) or _first_time(tx, key, work)


@contextmanager
def _alone(services: Services, key: Key) -> Iterator[None]:
    """Refuse a second sending while this process still answers the first."""
    name = _name(key)
    with services.lock:
        if name in services.answering:
            raise InProgress()
        services.answering.add(name)
    try:
        yield
    finally:
        services.answering.discard(name)


def _first_time(tx: Tx, key: Key, work: Work) -> Answer:
    row = {"fingerprint": key.fingerprint, "state": "running", "status": None, "body": None}
    tx.connection.execute(insert(tables.idempotency).values(**_names(key), **row, expires=tx.now + LIFE))
    answer = work(tx)
    body = _packed(answer)
    done = update(tables.idempotency).where(*_is(key))
    tx.connection.execute(done.values(state="done", status=answer.status, body=body))
    return answer


def _replay(tx: Tx, key: Key) -> Answer | None:
    _take_turn(tx, key)
    _forget_if_old(tx.connection, key, tx.now)
    row = tx.connection.execute(select(tables.idempotency).where(*_is(key))).one_or_none()
    if row is None:
        return None
    kept = orjson.loads(row.body) if row.body else {}
    headers = {**kept.get("headers", {}), "Idempotency-Replayed": "true"}
    first = Answer(kept.get("body"), row.status, headers)
    if row.fingerprint != key.fingerprint:
        raise _reused(first)
    if "refusal" in kept:
        raise _refusal_again(row.status, kept["refusal"])
    return first


def _reused(first: Answer) -> KeyReused:
    message = {"en": "This Idempotency-Key was used for another request", "zh": "该 Idempotency-Key 已用于其他请求"}
    reused = KeyReused(Problem(ROOT, "key_reused", message))
    reused.first = first
    return reused


def _take_turn(tx: Tx, key: Key) -> None:
    """Let only one process answer a key at a time (on SQLite the writer's turn does it)."""
    if tx.dialect == "postgresql":
        number = int.from_bytes(hashlib.sha256(repr(_name(key)).encode()).digest()[:8], "big", signed=True)
        if not tx.connection.execute(select(func.pg_try_advisory_xact_lock(number))).scalar():
            raise InProgress()


def purge(connection: Connection, now: datetime) -> int:
    """Forget the keys whose day is over; never in a save, or saves would wait for one another's forgetting."""
    return connection.execute(delete(tables.idempotency).where(tables.idempotency.c.expires < now)).rowcount


def _forget_if_old(connection: Connection, key: Key, now: datetime) -> None:
    connection.execute(delete(tables.idempotency).where(*_is(key), tables.idempotency.c.expires < now))


def _store_refusal(services: Services, key: Key, refusal: Refusal) -> None:
    """Remember a refusal too, after its transaction was undone; none that a second try may answer otherwise."""
    if refusal.status in NOT_STORED or refusal.status >= 500 or isinstance(refusal, NEVER_STORED):
        return
    told = {
        "code": refusal.code,
        "title": refusal.title,
        "detail": refusal.detail,
        "problems": [{**asdict(problem), "path": problem.path.parts} for problem in refusal.problems],
        "extra": refusal.extra,
    }
    values = {"state": "done", "status": refusal.status, "body": write_json({"refusal": told}).encode()}
    row = {**_names(key), "fingerprint": key.fingerprint, **values, "expires": services.clock() + LIFE}
    put = postgresql.insert if services.database.is_postgresql else sqlite.insert
    with services.database.write() as connection:
        _forget_if_old(connection, key, services.clock())
        # another process may have answered meanwhile: what was answered first stays
        connection.execute(put(tables.idempotency).values(row).on_conflict_do_nothing())


def _refusal_again(status: int, told: dict[str, Any]) -> "RefusedBefore":
    problems = [Problem(**{**problem, "path": Path(tuple(problem["path"]))}) for problem in told["problems"]]
    again = RefusedBefore(*problems, code=told["code"], detail=told["detail"], **told["extra"])
    again.status, again.title = status, told["title"]
    return again


def _packed(answer: Answer) -> bytes | None:
    packed = write_json({"body": answer.body, "headers": dict(answer.headers)}).encode()
    return packed if len(packed) <= STORED_BODY else None


def _canonical(body: bytes) -> bytes:
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        return body


def _names(key: Key) -> dict[str, str]:
    return {"principal": key.principal, "route": key.route, "key": key.key}


def _name(key: Key) -> tuple[str, str, str]:
    """What tells one key from another; what was sent with it is no part of that."""
    return key.principal, key.route, key.key


def _is(key: Key) -> list[Any]:
    return [tables.idempotency.c[name] == value for name, value in _names(key).items()]
