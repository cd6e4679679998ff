"""API keys: what a program acts with in its owner's name; scoped, dated, hashed, shown once."""

from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy import insert, select, update

from metadata.problems import ROOT, Invalid, NotFound, Path, Problem
from runtime import audit
from runtime.db import tables
from runtime.db.ids import new_id
from runtime.identity.tokens import hashed, new_token
from runtime.transaction import Tx

api_key = tables.api_key

KEYS_PER_MEMBER = 20
KEY_DAYS, LONGEST_KEY_DAYS = 90, 365
KEY_MARK = "fourfold_"
SCOPES = frozenset(
    "create read update delete restore export import print share bulk comment see_history see_audit start_flow "
    "decide build admin overwrite".split()
)


def create_key(
    tx: Tx, name: str, scopes: list[str] | None, days: int = KEY_DAYS, networks: list[str] | None = None
) -> dict[str, Any]:
    """Make a key of the actor; the answer holds the secret, which is shown this once."""
    _check_key(scopes, days, networks)
    mine = select(api_key.c.id).where(api_key.c.member == tx.actor.member)
    valid = mine.where(api_key.c.revoked_at.is_(None), api_key.c.expires_at > tx.now)
    if len(tx.connection.execute(valid).all()) >= KEYS_PER_MEMBER:
        message = {"en": f"You have {KEYS_PER_MEMBER} keys already", "zh": f"您已有 {KEYS_PER_MEMBER} 个密钥"}
        raise Invalid(Problem(ROOT, "too_many_keys", message, {"en": "Revoke one first", "zh": "请先吊销一个"}))
    secret = KEY_MARK + new_token()
    row: dict[str, Any] = {
        "id": new_id(),
        "prefix": secret[: len(KEY_MARK) + 6],
        "hash": hashed(secret),
        "member": tx.actor.member,
        "name": name,
        "scopes": None if scopes is None else sorted(set(scopes)),
        "networks": networks,
        "created_at": tx.now,
        "expires_at": tx.now + timedelta(days=days),
    }
    tx.connection.execute(insert(api_key).values(**row))
    audit.note(tx, "key_created", kind="api_key", object=row["id"], detail={"name": name, "scopes": row["scopes"]})
    return {**_shown(row), "key": secret}


def keys(tx: Tx) -> list[dict[str, Any]]:
    """List the actor's keys, without their secrets."""
    mine = select(api_key).where(api_key.c.member == tx.actor.member).order_by(api_key.c.id)
    return [_shown(row._asdict()) for row in tx.connection.execute(mine)]


def revoke_key(tx: Tx, key: int) -> None:
    """Stop one of the actor's own keys."""
    mine = (api_key.c.id == key) & (api_key.c.member == tx.actor.member)
    if tx.connection.execute(update(api_key).where(mine).values(revoked_at=tx.now)).rowcount == 0:
        raise NotFound()
    audit.note(tx, "key_revoked", kind="api_key", object=key)


def is_from(networks: list[str] | None, address: str) -> bool:
    """Tell whether an address lies in the networks from which a key may be used."""
    if not networks:
        return True
    try:
        return any(ip_address(address) in ip_network(network) for network in networks)
    except ValueError:
        return False


def _check_key(scopes: list[str] | None, days: int, networks: list[str] | None) -> None:
    if not 1 <= days <= LONGEST_KEY_DAYS:
        message = {"en": "A key lives 1 to 365 days", "zh": "密钥有效期为 1 至 365 天"}
        raise Invalid(Problem(Path(("days",)), "out_of_range", message))
    if unknown := sorted(set(scopes or ()) - SCOPES):
        message = {"en": f"There is no scope {unknown[0]}", "zh": f"不存在权限范围 {unknown[0]}"}
        raise Invalid(Problem(Path(("scopes",)), "unknown_scope", message, ", ".join(sorted(SCOPES))))
    for position, network in enumerate(networks or ()):
        try:
            ip_network(network)
        except ValueError:
            message = {"en": f"{network} is not a network", "zh": f"{network} 不是有效的网段"}
            raise Invalid(Problem(Path(("networks", position)), "not_a_network", message, "192.0.2.0/24")) from None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    shown = ("prefix", "name", "scopes", "networks", "created_at", "expires_at", "last_used_at", "revoked_at")
    return {"id": str(row["id"]), **{name: row.get(name) for name in shown}}
