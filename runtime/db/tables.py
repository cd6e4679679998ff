"""The platform's own tables (`ff_...`); the tables of apps are made by publishing.

They hold no foreign keys: history, audit and decisions outlive what they name, and a key would lock the row of every
member who is mentioned. Ids are made by the process (`runtime.db.ids`).
"""

from typing import Any

from sqlalchemy import JSON, Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from engines.columns import Id, UtcDateTime

Json = JSON(none_as_null=True)
Document = Json.with_variant(JSONB(none_as_null=True), "postgresql")  # which is read by its keys

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _id(name: str = "id") -> Column:
    return Column(name, Id, primary_key=True, autoincrement=False)


def _key(name: str, kind: Any = Text) -> Column:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _must(name: str, kind: Any = Text) -> Column:
    return Column(name, kind, nullable=False)


def _may(name: str, kind: Any = Text) -> Column:
    return Column(name, kind, nullable=True)


def _period() -> tuple[Column, Column]:
    return _must("valid_from", UtcDateTime), _may("valid_to", UtcDateTime)


# --- the organisation: who belongs where, and since when ---

member = Table(
    "ff_member",
    metadata,
    _id(),
    _must("name"),
    _must("email"),  # stored in lower case
    _must("language"),
    _must("time_zone"),
    _may("password_hash"),
    _must("active", Boolean),
    _must("rights", Json),
    _must("auth_epoch", Integer),
    _must("created_at", UtcDateTime),
    Index("uq_ff_member_email", "email", unique=True),
)

department = Table("ff_department", metadata, _id(), _must("name"), _must("active", Boolean))

membership = Table(
    "ff_membership",
    metadata,
    _id(),
    _must("member", Id),
    _must("department", Id),
    *_period(),
    Index("ix_ff_membership_member", "member", "valid_from"),
)

manager = Table(
    "ff_manager",
    metadata,
    _id(),
    _must("member", Id),
    _must("manager", Id),
    *_period(),
    Index("ix_ff_manager_member", "member", "valid_from"),
)

department_parent = Table(
    "ff_department_parent",
    metadata,
    _id(),
    _must("department", Id),
    _must("parent", Id),
    *_period(),
    Index("ix_ff_department_parent_department", "department", "valid_from"),
)

department_head = Table(
    "ff_department_head",
    metadata,
    _id(),
    _must("department", Id),
    _must("member", Id),
    *_period(),
    Index("ix_ff_department_head_department", "department", "valid_from"),
)

role_member = Table(
    "ff_role_member",
    metadata,
    _id(),
    _must("app"),
    _must("role"),
    _must("member", Id),
    *_period(),
    Index("ix_ff_role_member_member", "member", "app"),
    Index("ix_ff_role_member_role", "app", "role"),
)

epoch = Table("ff_epoch", metadata, _key("name"), _must("value", Id))

# --- who may come in ---

session = Table(
    "ff_session",
    metadata,
    _key("token_hash"),
    _must("id", Id),
    _must("member", Id),
    _must("created_at", UtcDateTime),
    _must("last_seen_at", UtcDateTime),
    _must("expires_at", UtcDateTime),
    _must("remembered", Boolean),
    _may("elevated_until", UtcDateTime),
    _must("address"),
    _must("agent"),
    _must("csrf"),
    Index("ix_ff_session_member", "member", "created_at"),
    Index("ix_ff_session_expires_at", "expires_at"),
)

api_key = Table(
    "ff_api_key",
    metadata,
    _id(),
    _must("prefix"),
    _must("hash"),
    _must("member", Id),
    _must("name"),
    _may("scopes", Json),
    _may("networks", Json),
    _must("created_at", UtcDateTime),
    _must("expires_at", UtcDateTime),
    _may("last_used_at", UtcDateTime),
    _may("revoked_at", UtcDateTime),
    Index("uq_ff_api_key_hash", "hash", unique=True),
    Index("ix_ff_api_key_member", "member"),
)

login_failure = Table(
    "ff_login_failure",
    metadata,
    _id(),
    _must("subject"),
    _must("at", UtcDateTime),
    Index("ix_ff_login_failure_subject", "subject", "at"),
)

second_factor = Table(
    "ff_second_factor",
    metadata,
    _key("member", Id),
    _must("secret"),  # sealed with the master key (runtime/vault.py)
    _must("created_at", UtcDateTime),
    _may("confirmed_at", UtcDateTime),
    _may("last_step", Id),  # the last code that was used, so that none works twice
)

recovery_code = Table(
    "ff_recovery_code",
    metadata,
    _key("hash"),
    _must("member", Id),
    _must("created_at", UtcDateTime),
    _may("used_at", UtcDateTime),
    Index("ix_ff_recovery_code_member", "member"),
)

ticket = Table(
    "ff_ticket",
    metadata,
    _key("token_hash"),
    _must("member", Id),
    _must("purpose"),
    _must("created_at", UtcDateTime),
    _must("expires_at", UtcDateTime),
    Index("ix_ff_ticket_member", "member", "purpose"),
    Index("ix_ff_ticket_expires_at", "expires_at"),
)

idempotency = Table(
    "ff_idempotency",
    metadata,
    _key("principal"),
    _key("route"),
    _key("key"),
    _must("fingerprint"),
    _must("state"),
    _may("status", Integer),
    _may("body", LargeBinary),
    _must("expires", UtcDateTime),
    Index("ix_ff_idempotency_expires", "expires"),
)

# --- apps: parts, manifests, drafts ---

app = Table(
    "ff_app",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    _must("name"),
    _may("live", Id),
    _must("title", Json),
    Index("uq_ff_app_name", "name", unique=True),
)

part = Table("ff_part", metadata, _key("hash"), _must("kind"), _must("body", Json))

manifest = Table(
    "ff_manifest",
    metadata,
    _id(),
    _must("app"),
    _must("number", Integer),
    _may("parent", Id),
    _may("version"),
    _must("parts", Json),
    _must("ids", Json),
    _must("published_at", UtcDateTime),
    _may("published_by", Id),
    _may("package", Id),
    Index("uq_ff_manifest_app_number", "app", "number", unique=True),
)

draft = Table(
    "ff_draft",
    metadata,
    _key("app"),
    _must("version", Integer),
    _must("document", Json),
    _must("updated_at", UtcDateTime),
    _may("updated_by", Id),
)

counter = Table("ff_counter", metadata, _key("app"), _key("field"), _key("period"), _must("value", Id))

# --- what happened, and why ---

cause = Table(
    "ff_cause",
    metadata,
    _id(),
    _may("parent", Id),
    _must("kind"),
    _may("actor", Id),
    _must("actor_kind"),
    _may("request"),
    _may("source"),
    _may("app"),
    _must("at", UtcDateTime),
    Index("ix_ff_cause_parent", "parent"),
)

record_version = Table(
    "ff_record_version",
    metadata,
    _id(),
    _must("app"),
    _must("form"),
    _must("record", Id),
    _must("seq", Integer),
    _must("version", Integer),
    _must("at", UtcDateTime),
    _must("cause", Id),
    _must("op"),
    _must("forms_hash"),
    _may("doc", Document),
    _must("changed", Json),
    _may("parent", Id),  # of a subform row: the record that it belongs to
    Index(
        "ix_ff_record_version_parent",
        "form",
        "parent",
        "record",
        "seq",
        sqlite_where=text("parent IS NOT NULL"),
        postgresql_where=text("parent IS NOT NULL"),
    ),
    Index("uq_ff_record_version_record", "form", "record", "seq", "app", unique=True),
    Index("ix_ff_record_version_cause", "cause"),
)

blob = Table("ff_blob", metadata, _key("hash"), _must("text"))

stage_span = Table(
    "ff_stage_span",
    metadata,
    _id(),
    _must("app"),
    _must("form"),
    _must("field"),
    _must("record", Id),
    _must("seq", Integer),
    _may("value"),
    _may("from_value"),
    _must("direction"),
    _may("actor", Id),
    _must("entered_at", UtcDateTime),
    _may("left_at", UtcDateTime),
    Index("uq_ff_stage_span_record", "form", "record", "field", "seq", "app", unique=True),
    Index("ix_ff_stage_span_open", "app", "field", "value", "left_at", "entered_at"),
)

trace = Table(
    "ff_trace",
    metadata,
    _id(),
    _must("cause", Id),
    _must("app"),
    _must("rule"),
    _must("rule_part"),
    _may("form"),
    _may("record", Id),
    _must("event"),
    _must("outcome"),
    _must("detail", Json),
    _must("at", UtcDateTime),
    Index("ix_ff_trace_record", "form", "record", "at"),
    Index("ix_ff_trace_rule", "app", "rule", "at"),
    Index("ix_ff_trace_cause", "cause"),
    Index("ix_ff_trace_at", "at"),
)

audit = Table(
    "ff_audit",
    metadata,
    _id("seq"),
    _must("at", UtcDateTime),
    _may("actor", Id),
    _must("actor_kind"),
    _may("credential"),
    _may("request"),
    _may("cause", Id),
    _may("app"),
    _must("action"),
    _may("object_kind"),
    _may("object_id"),
    _may("object_version"),
    _must("detail", Json),
    _must("result"),
    _may("prev_hash"),
    _may("hash"),
    _may("chain_pos", Id),
    Index("ix_ff_audit_at", "at"),
    Index("ix_ff_audit_actor", "actor", "at"),
    Index("ix_ff_audit_object", "object_kind", "object_id"),
    Index("uq_ff_audit_chain_pos", "chain_pos", unique=True),
)

# --- what is to be done later ---

job = Table(
    "ff_job",
    metadata,
    _key("key"),
    _must("kind"),
    _must("payload", Json),
    _must("state"),
    _must("attempt", Integer),
    _must("run_at", UtcDateTime),
    _may("last_error"),
    _may("cause", Id),
    _must("created_at", UtcDateTime),
    _may("finished_at", UtcDateTime),
    _may("app"),
    _may("rule"),
    Index("ix_ff_job_state", "state", "run_at"),
    Index("ix_ff_job_rule", "app", "rule", "state"),
)

late_total = Table(
    "ff_late_total",
    metadata,
    _id(),
    _must("app"),
    _must("form"),
    _must("field"),
    _must("parent", Id),
    _must("at", UtcDateTime),
    Index("ix_ff_late_total_parent", "app", "form", "parent"),
)

total_check = Table(
    "ff_total_check",
    metadata,
    _key("app"),
    _must("night"),
    _may("field"),
    _may("after", Id),
    _must("checked", Id),
    _must("repaired", Id),
    _must("repaired_ever", Id),
    _may("finished_at", UtcDateTime),
)

timer = Table(
    "ff_timer",
    metadata,
    _key("key"),
    _must("due", UtcDateTime),
    _must("kind"),
    _must("payload", Json),
    _may("cron"),
    _may("zone"),
    _may("missed", Json),
    Index("ix_ff_timer_due", "due"),
)

rule_state = Table(
    "ff_rule_state",
    metadata,
    _key("app"),
    _key("rule"),
    _must("failures", Integer),
    _may("paused_at", UtcDateTime),
    _may("paused_by", Id),
    _may("reason", Json),
)

turnstile = Table("ff_turnstile", metadata, _key("name"), _must("period", Id), _must("used", Integer))

fired = Table("ff_fired", metadata, _key("app"), _key("rule"), _key("record", Id), _key("occurrence"))

watermark = Table("ff_watermark", metadata, _key("name"), _must("at", UtcDateTime))

slow_list = Table(
    "ff_slow_list",
    metadata,
    _key("app"),
    _key("form"),
    _key("field"),
    _must("times", Integer),
    _must("slowest", Integer),
    _must("last_at", UtcDateTime),
)

heartbeat = Table("ff_heartbeat", metadata, _key("executor"), _must("at", UtcDateTime))

# --- flows ---

flow_instance = Table(
    "ff_flow_instance",
    metadata,
    _id(),
    _must("app"),
    _must("flow"),
    _must("part"),
    _must("manifest", Id),
    _must("form"),
    _must("record", Id),
    _must("state"),
    _must("position", Json),
    _must("version", Integer),
    _may("initiator", Id),
    _must("started_at", UtcDateTime),
    _may("ended_at", UtcDateTime),
    _may("cause", Id),
    Index("ix_ff_flow_instance_record", "form", "record", "state"),
    Index("ix_ff_flow_instance_flow", "app", "flow", "state"),
)

task = Table(
    "ff_task",
    metadata,
    _id(),
    _must("instance", Id),
    _must("app"),
    _must("flow"),
    _must("form"),
    _must("record", Id),
    _must("node"),
    _must("kind"),
    _must("title", Json),
    _must("assignee", Id),
    _must("state"),
    _must("version", Integer),
    _must("opened_at", UtcDateTime),
    _may("due_at", UtcDateTime),
    _may("closed_at", UtcDateTime),
    _may("outcome"),
    _may("decided_by", Id),
    _may("comment"),
    Index("ix_ff_task_assignee", "assignee", "state", "opened_at"),
    Index("ix_ff_task_instance", "instance", "node"),
    Index("ix_ff_task_record", "form", "record", "state"),
)

decision = Table(
    "ff_decision",
    metadata,
    _id(),
    _must("instance", Id),
    _may("task", Id),
    _must("node"),
    _may("member", Id),
    _must("outcome"),
    _may("comment"),
    _may("record_version", Integer),
    _must("at", UtcDateTime),
    _may("cause", Id),
    Index("ix_ff_decision_instance", "instance", "at"),
)

# --- people talking to each other ---

notification = Table(
    "ff_notification",
    metadata,
    _id(),
    _must("member", Id),
    _may("app"),
    _may("form"),
    _may("record", Id),
    _must("title"),
    _must("body"),
    _may("read_at", UtcDateTime),
    _must("at", UtcDateTime),
    _may("cause", Id),
    Index("ix_ff_notification_member", "member", "read_at", "at"),
)

comment = Table(
    "ff_comment",
    metadata,
    _id(),
    _must("app"),
    _must("form"),
    _must("record", Id),
    _must("member", Id),
    _must("text"),
    _must("at", UtcDateTime),
    Index("ix_ff_comment_record", "form", "record", "at"),
)

file = Table(
    "ff_file",
    metadata,
    _id(),
    _must("app"),
    _may("form"),
    _may("field"),
    _may("record", Id),
    _must("name"),
    _must("size", Id),
    _must("type"),
    _must("sha256"),
    _must("storage"),
    _may("uploaded_by", Id),
    _must("at", UtcDateTime),
    Index("ix_ff_file_record", "form", "record"),
    Index("ix_ff_file_unused", "record", "at"),
)

__all__ = sorted(name for name, value in globals().items() if isinstance(value, Table)) + ["metadata"]
