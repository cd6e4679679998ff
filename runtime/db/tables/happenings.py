"""What happened, and why."""

from sqlalchemy import Index, Integer, Table, text

from engines.columns import Id, UtcDateTime
from runtime.db.tables.columns import Document, Json, identity, key, may, metadata, must

cause = Table(
    "ff_cause",
    metadata,
    identity(),
    may("parent", Id),
    must("kind"),
    may("actor", Id),
    must("actor_kind"),
    may("request"),
    may("source"),
    may("app"),
    must("at", UtcDateTime),
    Index("ix_ff_cause_parent", "parent"),
)

record_version = Table(
    "ff_record_version",
    metadata,
    identity(),
    must("app"),
    must("form"),
    must("record", Id),
    must("seq", Integer),
    must("version", Integer),
    must("at", UtcDateTime),
    must("cause", Id),
    must("op"),
    must("forms_hash"),
    may("doc", Document),
    must("changed", Json),
    may("parent", Id),  # of a subform row: the record that it belongs to
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

blob = Table("ff_blob", metadata, key("hash"), must("text"))

stage_span = Table(
    "ff_stage_span",
    metadata,
    identity(),
    must("app"),
    must("form"),
    must("field"),
    must("record", Id),
    must("seq", Integer),
    may("value"),
    may("from_value"),
    must("direction"),
    may("actor", Id),
    must("entered_at", UtcDateTime),
    may("left_at", UtcDateTime),
    Index("uq_ff_stage_span_record", "form", "record", "field", "seq", "app", unique=True),
    Index("ix_ff_stage_span_open", "app", "field", "value", "left_at", "entered_at"),
)

trace = Table(
    "ff_trace",
    metadata,
    identity(),
    must("cause", Id),
    must("app"),
    must("rule"),
    must("rule_part"),
    may("form"),
    may("record", Id),
    must("event"),
    must("outcome"),
    must("detail", Json),
    must("at", UtcDateTime),
    Index("ix_ff_trace_record", "form", "record", "at"),
    Index("ix_ff_trace_rule", "app", "rule", "at"),
    Index("ix_ff_trace_cause", "cause"),
    Index("ix_ff_trace_at", "at"),
)

audit = Table(
    "ff_audit",
    metadata,
    identity("seq"),
    must("at", UtcDateTime),
    may("actor", Id),
    must("actor_kind"),
    may("credential"),
    may("request"),
    may("cause", Id),
    may("app"),
    must("action"),
    may("object_kind"),
    may("object_id"),
    may("object_version"),
    must("detail", Json),
    must("result"),
    may("prev_hash"),
    may("hash"),
    may("chain_pos", Id),
    Index("ix_ff_audit_at", "at"),
    Index("ix_ff_audit_actor", "actor", "at"),
    Index("ix_ff_audit_object", "object_kind", "object_id"),
    Index("uq_ff_audit_chain_pos", "chain_pos", unique=True),
)
