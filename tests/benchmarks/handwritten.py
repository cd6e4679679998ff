"""What a careful programmer would write by hand for one form: FastAPI and SQLAlchemy Core, the same work as our API.

It looks the session up by its hashed cookie, limits what comes in, keeps rows and fields to what the roles give,
writes the record, its history, the cause and the rule's trace in one transaction, and answers the same JSON with the
same headers. Requests have an id and are counted and timed. It knows no publishing, so it holds no lock against one.
"""

import hashlib
import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import orjson
import sqlalchemy as sa
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from prometheus_client import Counter, Histogram
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 1_000_000
SLOW_SECONDS = 2.0
SECURITY = [
    (b"content-security-policy", b"default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
    (b"cache-control", b"no-store"),
]
FIELDS = "title customer amount stage probability close note cost priority contact weighted".split()
NAMES = {each: "close_on" if each == "close" else each for each in FIELDS}
NUMBERS = ("amount", "probability", "cost", "weighted")

metadata = sa.MetaData()
moment = sa.DateTime(timezone=True)


def big(name: str, **more: Any) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger, **more)


SYSTEM = ("version", "owner", "department", "created_at", "created_by", "updated_at", "updated_by")


def system_columns() -> list["sa.Column[Any]"]:
    at = [sa.Column(each, moment) for each in ("created_at", "updated_at", "deleted_at")]
    return [big("id", primary_key=True), sa.Column("version", sa.Integer), big("owner"), big("department"),
            big("created_by"), big("updated_by"), *at]  # fmt: skip


def deal_table(name: str, prefix: str) -> sa.Table:
    kinds: dict[str, Any] = dict.fromkeys(FIELDS, sa.Text)
    kinds |= {"amount": sa.Numeric(18, 2), "cost": sa.Numeric(18, 2), "weighted": sa.Numeric(18, 2)}
    kinds |= {"probability": sa.Numeric(18, 4), "close": sa.Date, "customer": sa.BigInteger, "contact": sa.BigInteger}
    columns = [sa.Column(f"{prefix}{each}", kinds[each], key=each) for each in FIELDS]
    return sa.Table(name, metadata, *system_columns(), *columns)


customer = sa.Table("a1_t_customer", metadata, *system_columns(), sa.Column("f_name", sa.Text, key="name"))
deals = {"deal": deal_table("a1_t_deal", "f_"), "ruled_deal": deal_table("a1_t_ruled", "f_r")}
FORM_IDS = {"deal": "t_deal", "ruled_deal": "t_ruled"}
session = sa.Table(
    "ff_session", metadata, sa.Column("token_hash", sa.Text, primary_key=True), big("id"), big("member"),
    sa.Column("last_seen_at", moment), sa.Column("expires_at", moment), sa.Column("csrf", sa.Text),
)  # fmt: skip
epoch = sa.Table("ff_epoch", metadata, sa.Column("name", sa.Text), sa.Column("value", sa.Integer))
member = sa.Table("ff_member", metadata, big("id"), sa.Column("name", sa.Text), sa.Column("active", sa.Boolean))
membership = sa.Table("ff_membership", metadata, big("member"), big("department"), sa.Column("valid_to", moment))
role_member = sa.Table(
    "ff_role_member", metadata, sa.Column("app", sa.Text), sa.Column("role", sa.Text), big("member"),
    sa.Column("valid_to", moment),
)  # fmt: skip
department = sa.Table("ff_department", metadata, big("id"), sa.Column("name", sa.Text))
cause = sa.Table(
    "ff_cause", metadata, big("id"), sa.Column("kind", sa.Text), big("actor"), sa.Column("actor_kind", sa.Text),
    sa.Column("request", sa.Text), sa.Column("at", moment),
)  # fmt: skip
record_version = sa.Table(
    "ff_record_version", metadata, big("id"), *[sa.Column(each, sa.Text) for each in ("app", "form", "op")],
    big("record"), sa.Column("seq", sa.Integer), sa.Column("version", sa.Integer), sa.Column("at", moment),
    big("cause"), sa.Column("forms_hash", sa.Text), sa.Column("doc", JSONB), sa.Column("changed", sa.JSON),
)  # fmt: skip
trace = sa.Table(
    "ff_trace", metadata, big("id"), big("cause"),
    *[sa.Column(each, sa.Text) for each in ("app", "rule", "rule_part", "form", "event", "outcome")],
    big("record"), sa.Column("detail", sa.JSON), sa.Column("at", moment),
)  # fmt: skip

engine = sa.create_engine(
    os.environ["FOURFOLD_DATABASE_URL"], pool_size=40, json_serializer=lambda each: orjson.dumps(each).decode()
)
reader = engine.execution_options(isolation_level="AUTOCOMMIT")
app = FastAPI()
log = logging.getLogger("handwritten")


# --- what every request passes ---


class Gate:
    """Gives a request its id, refuses what is too large, counts and times it, and adds the headers of its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.requests = Counter("requests", "Requests answered", ["method", "route", "status"])
        self.seconds = Histogram("request_seconds", "Time to answer", ["route"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request, started, status = Request(scope), time.perf_counter(), 0
        id = request.state.id = request.headers.get("x-request-id") or secrets.token_hex(8)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *SECURITY, (b"x-request-id", id.encode())]
            await send(message)

        if int(request.headers.get("content-length", 0)) > LARGEST_BODY:
            await Response(status_code=413)(scope, receive, answer)
        else:
            await self.app(scope, receive, answer)
        self._count(request, status, time.perf_counter() - started)

    def _count(self, request: Request, status: int, seconds: float) -> None:
        route = getattr(request.scope.get("route"), "path", "other")
        self.requests.labels(request.method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)
        if status >= 500 or seconds > SLOW_SECONDS:
            log.warning("%s %s %s %.2f s", request.state.id, route, status, seconds)


app.add_middleware(Gate)


# --- who asks ---


class People:
    """Members, departments and roles in memory, read again when the organisation's epoch has moved."""

    def __init__(self) -> None:
        self.epoch = -1

    def refresh(self, connection: sa.Connection, now_at: int) -> None:
        if now_at == self.epoch:
            return
        self.names = {row.id: row.name for row in connection.execute(sa.select(member).where(member.c.active))}
        self.departments = {row.id: row.name for row in connection.execute(sa.select(department))}
        mine = sa.select(membership).where(membership.c.valid_to.is_(None))
        self.home = {row.member: row.department for row in connection.execute(mine)}
        self.roles: dict[int, set[str]] = {}
        for row in connection.execute(sa.select(role_member).where(role_member.c.valid_to.is_(None))):
            self.roles.setdefault(row.member, set()).add(row.role)
        self.epoch = now_at


people = People()
WHO = sa.select(
    session.c.member,
    session.c.expires_at,
    session.c.last_seen_at,
    sa.select(epoch.c.value).where(epoch.c.name == "organisation").scalar_subquery().label("epoch"),
).where(session.c.token_hash == sa.bindparam("token"))


@dataclass(frozen=True)
class Caller:
    id: int
    department: int | None
    roles: set[str]


buckets: dict[str, tuple[float, float]] = {}


def caller(request: Request) -> Caller:
    token = request.cookies.get("fourfold")
    if not token:
        raise HTTPException(401)
    hashed, now = hashlib.sha256(token.encode()).hexdigest(), datetime.now(UTC)
    left, then = buckets.get(hashed, (1e6, time.monotonic()))
    buckets[hashed] = (min(1e6, left + (time.monotonic() - then) * 1e6) - 1, time.monotonic())
    if left < 1:
        raise HTTPException(429)
    with reader.connect() as connection:
        row = connection.execute(WHO, {"token": hashed}).one_or_none()
        if row is None or row.expires_at <= now or now - row.last_seen_at > timedelta(hours=12):
            raise HTTPException(401)
        people.refresh(connection, row.epoch)
    if row.member not in people.names:
        raise HTTPException(401)
    return Caller(id=row.member, department=people.home.get(row.member), roles=people.roles.get(row.member, set()))


Who = Annotated[Caller, Depends(caller)]


async def same_site(request: Request) -> None:
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise HTTPException(403)


# --- which rows and fields ---

ME = sa.bindparam("me", type_=sa.BigInteger)
MINE = sa.bindparam("departments", type_=ARRAY(sa.BigInteger))


def seen(table: sa.Table) -> Any:
    return sa.and_(table.c.deleted_at.is_(None), sa.or_(table.c.department == sa.any_(MINE), table.c.owner == ME))


def columns(table: sa.Table) -> list[Any]:
    shown = [table.c.id, *[table.c[each] for each in SYSTEM]]
    for each in FIELDS:
        masked = sa.case((table.c.owner == ME, table.c.cost)) if each == "cost" else table.c[each]
        shown.append(masked.label(each))
    return [*shown, sa.case((customer.c.department == sa.any_(MINE), customer.c.name)).label("customer_name")]


def reading(table: sa.Table) -> "sa.Select[Any]":
    alive = sa.and_(customer.c.id == table.c.customer, customer.c.deleted_at.is_(None))
    return sa.select(*columns(table)).select_from(table.outerjoin(customer, alive)).where(seen(table))


ONE = {name: reading(table).where(table.c.id == sa.bindparam("id")) for name, table in deals.items()}
FROM, UNTIL = sa.bindparam("from_day", type_=sa.Date), sa.bindparam("until_day", type_=sa.Date)


def between(table: sa.Table) -> Any:
    return sa.and_(table.c.close >= FROM, table.c.close < UNTIL)


LIST = {
    name: reading(table)
    .where(between(table))
    .order_by(table.c.close.desc().nulls_last(), table.c.id.desc())
    .limit(51)
    .offset(sa.bindparam("offset"))
    for name, table in deals.items()
}
COUNT = {
    name: sa.select(sa.func.count()).select_from(
        sa.select(table.c.id).where(seen(table), between(table)).limit(1001).subquery()
    )
    for name, table in deals.items()
}
READABLE = sa.select(customer.c.id).where(
    customer.c.id == sa.bindparam("id"), customer.c.deleted_at.is_(None), customer.c.department == sa.any_(MINE)
)


def rights(who: Caller) -> dict[str, Any]:
    if not who.roles & {"r_manager", "r_seller"}:
        raise HTTPException(404)
    return {"me": who.id, "departments": [who.department] if "r_manager" in who.roles else []}


# --- what is answered ---


def plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    content = orjson.dumps(body, default=plain, option=orjson.OPT_UTC_Z)
    return Response(content, status, headers, "application/json")


def text_id(value: int | None) -> str | None:
    return None if value is None else str(value)


def as_json(row: Any) -> dict[str, Any]:
    values = {NAMES[each]: row[each] for each in FIELDS}
    values |= {"customer": text_id(row["customer"]), "contact": text_id(row["contact"])}
    labels = {
        "owner": people.names.get(row["owner"]),
        "department": people.departments.get(row["department"]),
        "created_by": people.names.get(row["created_by"]),
        "updated_by": people.names.get(row["updated_by"]),
        "customer": row["customer_name"],
        "contact": people.names.get(row["contact"]),
    }
    return {
        "id": str(row["id"]),
        "version": row["version"],
        "owner": text_id(row["owner"]),
        "department": text_id(row["department"]),
        "created_at": row["created_at"],
        "created_by": text_id(row["created_by"]),
        "updated_at": row["updated_at"],
        "updated_by": text_id(row["updated_by"]),
        "values": values,
        "labels": {key: value for key, value in labels.items() if value is not None},
    }


# --- routes ---


@app.get("/api/{form}/{id}")
def get(form: Literal["deal", "ruled_deal"], id: int, who: Who) -> Response:
    with reader.connect() as connection:
        row = connection.execute(ONE[form], {**rights(who), "id": id}).mappings().first()
    if row is None:
        raise HTTPException(404)
    return answer(as_json(row), ETag=f'"{id}.{row["version"]}"')


@app.get("/api/{form}")
def list_deals(
    form: Literal["deal", "ruled_deal"], who: Who, from_day: date, until_day: date, page: int = 1
) -> Response:
    asked = {**rights(who), "from_day": from_day, "until_day": until_day}
    with reader.connect() as connection:
        rows = connection.execute(LIST[form], {**asked, "offset": (page - 1) * 50}).mappings().all()
        total = connection.execute(COUNT[form], asked).scalar_one()
    where = {"page": page, "size": 50, "total": min(total, 1000), "capped": total > 1000, "has_more": len(rows) > 50}
    return answer({"items": [as_json(row) for row in rows[:50]], "page": where})


def storable(text: str) -> str:
    """PostgreSQL keeps no NUL."""
    if "\0" in text:
        raise ValueError("the text holds characters that do not exist")
    return text


Words = Annotated[str, AfterValidator(storable)]


class Deal(BaseModel):
    """What may be written; anything else is an error."""

    model_config = ConfigDict(extra="forbid")

    title: Words = Field(min_length=1, max_length=255)
    customer: str | None = Field(None, pattern=r"^[0-9]{1,19}$")
    amount: Decimal | None = Field(None, max_digits=15, decimal_places=2)
    stage: Literal["new", "offer", "won", "lost"] = "new"
    probability: Decimal | None = Field(None, max_digits=15, decimal_places=4)
    close_on: date | None = None
    note: Words | None = Field(None, max_length=100_000)
    priority: Literal["normal", "high"] = "normal"
    contact: str | None = Field(None, pattern=r"^[0-9]{1,19}$")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    values: Deal


def new_id() -> int:
    return (time.time_ns() // 1_000_000 - 1_735_689_600_000) << 21 | secrets.randbits(21)


@contextmanager
def writing() -> Iterator[sa.Connection]:
    with engine.begin() as connection:
        yield connection


@app.post("/api/{form}", status_code=201, dependencies=[Depends(same_site)])
def create(form: Literal["deal", "ruled_deal"], body: Body, who: Who, request: Request) -> Response:
    granted, now, given = rights(who), datetime.now(UTC), body.values
    if given.contact is not None and int(given.contact) not in people.names:
        raise HTTPException(422)
    with writing() as connection:
        if given.customer is not None:
            found = connection.execute(READABLE, {"id": int(given.customer), "departments": granted["departments"]})
            if found.scalar() is None:
                raise HTTPException(422)
        record = _new_deal(given, who, now)
        fired = form == "ruled_deal" and given.amount is not None and given.amount > 100_000
        if fired:
            record["priority"] = "high"
        if record["department"] not in granted["departments"] and record["owner"] != who.id:
            raise HTTPException(403)
        connection.execute(sa.insert(deals[form]), record)
        _write_history(connection, form, record, who, request.state.id, now, fired)
        row = connection.execute(ONE[form], {**granted, "id": record["id"]}).mappings().one()
    place = f"/api/{form}/{record['id']}"
    return answer(as_json(row), 201, ETag=f'"{record["id"]}.1"', Location=place)


def _new_deal(given: Deal, who: Caller, now: datetime) -> dict[str, Any]:
    product = None
    if given.amount is not None and given.probability is not None:
        product = round(given.amount * given.probability, 2)
    return {
        "id": new_id(),
        "version": 1,
        "owner": who.id,
        "department": who.department,
        "created_at": now,
        "created_by": who.id,
        "updated_at": now,
        "updated_by": who.id,
        "title": given.title,
        "customer": None if given.customer is None else int(given.customer),
        "amount": given.amount,
        "stage": given.stage,
        "probability": given.probability,
        "close": given.close_on,
        "note": given.note,
        "cost": None,
        "priority": given.priority,
        "contact": None if given.contact is None else int(given.contact),
        "weighted": product,
    }


def _write_history(
    connection: sa.Connection,
    form: str,
    record: dict[str, Any],
    who: Caller,
    request: str,
    now: datetime,
    fired: bool,
) -> None:
    because = new_id()
    doc = {
        key: str(value) if isinstance(value, Decimal) else value for key, value in record.items() if value is not None
    }
    connection.execute(
        sa.insert(cause),
        {"id": because, "kind": "request", "actor": who.id, "actor_kind": "user", "request": request, "at": now},
    )  # fmt: skip
    connection.execute(
        sa.insert(record_version),
        {"id": new_id(), "app": "sales", "form": FORM_IDS[form], "record": record["id"], "seq": 1, "version": 1,
         "at": now, "cause": because, "op": "create", "forms_hash": "1", "doc": doc,
         "changed": sorted(key for key in doc if key in FIELDS)},
    )  # fmt: skip
    if fired:
        connection.execute(
            sa.insert(trace),
            {"id": new_id(), "cause": because, "app": "sales", "rule": "u_large", "rule_part": "1",
             "form": FORM_IDS[form], "record": record["id"], "event": "create", "outcome": "fired",
             "detail": {"terms": [{"text": "amount > 100000", "value": True}]}, "at": now},
        )  # fmt: skip
