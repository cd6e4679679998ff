"""Who may come in: sessions, keys, second factors, links; and requests that were answered before."""

from sqlalchemy import Boolean, Index, Integer, LargeBinary, Table

from engines.columns import Id, UtcDateTime
from runtime.db.tables.columns import Json, identity, key, may, metadata, must

session = Table(
    "ff_session",
    metadata,
    key("token_hash"),
    must("id", Id),
    must("member", Id),
    must("created_at", UtcDateTime),
    must("last_seen_at", UtcDateTime),
    must("expires_at", UtcDateTime),
    must("remembered", Boolean),
    may("elevated_until", UtcDateTime),
    must("address"),
    must("agent"),
    must("csrf"),
    Index("ix_ff_session_member", "member", "created_at"),
    Index("ix_ff_session_expires_at", "expires_at"),
)

api_key = Table(
    "ff_api_key",
    metadata,
    identity(),
    must("prefix"),
    must("hash"),
    must("member", Id),
    must("name"),
    may("scopes", Json),
    may("networks", Json),
    must("created_at", UtcDateTime),
    must("expires_at", UtcDateTime),
    may("last_used_at", UtcDateTime),
    may("revoked_at", UtcDateTime),
    Index("uq_ff_api_key_hash", "hash", unique=True),
    Index("ix_ff_api_key_member", "member"),
)

login_failure = Table(
    "ff_login_failure",
    metadata,
    identity(),
    must("subject"),
    must("at", UtcDateTime),
    Index("ix_ff_login_failure_subject", "subject", "at"),
)

second_factor = Table(
    "ff_second_factor",
    metadata,
    key("member", Id),
    must("secret"),  # sealed with the master key (runtime/vault.py)
    must("created_at", UtcDateTime),
    may("confirmed_at", UtcDateTime),
    may("last_step", Id),  # the last code that was used, so that none works twice
)

recovery_code = Table(
    "ff_recovery_code",
    metadata,
    key("hash"),
    must("member", Id),
    must("created_at", UtcDateTime),
    may("used_at", UtcDateTime),
    Index("ix_ff_recovery_code_member", "member"),
)

ticket = Table(
    "ff_ticket",
    metadata,
    key("token_hash"),
    must("member", Id),
    must("purpose"),
    must("created_at", UtcDateTime),
    must("expires_at", UtcDateTime),
    Index("ix_ff_ticket_member", "member", "purpose"),
    Index("ix_ff_ticket_expires_at", "expires_at"),
)

idempotency = Table(
    "ff_idempotency",
    metadata,
    key("principal"),
    key("route"),
    key("key"),
    must("fingerprint"),
    must("state"),
    may("status", Integer),
    may("body", LargeBinary),
    must("expires", UtcDateTime),
    Index("ix_ff_idempotency_expires", "expires"),
)
