"""What is to be done later, and what was done of it."""

from sqlalchemy import Index, Integer, Table

from engines.columns import Id, UtcDateTime
from runtime.db.tables.columns import Json, identity, key, may, metadata, must

job = Table(
    "ff_job",
    metadata,
    key("key"),
    must("kind"),
    must("payload", Json),
    must("state"),
    must("attempt", Integer),
    must("run_at", UtcDateTime),
    may("last_error"),
    may("cause", Id),
    must("created_at", UtcDateTime),
    may("finished_at", UtcDateTime),
    may("app"),
    may("rule"),
    Index("ix_ff_job_state", "state", "run_at"),
    Index("ix_ff_job_rule", "app", "rule", "state"),
)

late_total = Table(
    "ff_late_total",
    metadata,
    identity(),
    must("app"),
    must("form"),
    must("field"),
    must("parent", Id),
    must("at", UtcDateTime),
    Index("ix_ff_late_total_parent", "app", "form", "parent"),
)

total_check = Table(
    "ff_total_check",
    metadata,
    key("app"),
    must("night"),
    may("field"),
    may("after", Id),
    must("checked", Id),
    must("repaired", Id),
    must("repaired_ever", Id),
    may("finished_at", UtcDateTime),
)

timer = Table(
    "ff_timer",
    metadata,
    key("key"),
    must("due", UtcDateTime),
    must("kind"),
    must("payload", Json),
    may("cron"),
    may("zone"),
    may("missed", Json),
    Index("ix_ff_timer_due", "due"),
)

rule_state = Table(
    "ff_rule_state",
    metadata,
    key("app"),
    key("rule"),
    must("failures", Integer),
    may("paused_at", UtcDateTime),
    may("paused_by", Id),
    may("reason", Json),
)

turnstile = Table("ff_turnstile", metadata, key("name"), must("period", Id), must("used", Integer))

fired = Table("ff_fired", metadata, key("app"), key("rule"), key("record", Id), key("occurrence"))

watermark = Table("ff_watermark", metadata, key("name"), must("at", UtcDateTime))

slow_list = Table(
    "ff_slow_list",
    metadata,
    key("app"),
    key("form"),
    key("field"),
    must("times", Integer),
    must("slowest", Integer),
    must("last_at", UtcDateTime),
)

heartbeat = Table("ff_heartbeat", metadata, key("executor"), must("at", UtcDateTime))
