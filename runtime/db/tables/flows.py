"""Flows: instances, tasks, decisions."""

from sqlalchemy import Index, Integer, Table

from engines.columns import Id, UtcDateTime
from runtime.db.tables.columns import Json, identity, may, metadata, must

flow_instance = Table(
    "ff_flow_instance",
    metadata,
    identity(),
    must("app"),
    must("flow"),
    must("part"),
    must("manifest", Id),
    must("form"),
    must("record", Id),
    must("state"),
    must("position", Json),
    must("version", Integer),
    may("initiator", Id),
    must("started_at", UtcDateTime),
    may("ended_at", UtcDateTime),
    may("cause", Id),
    Index("ix_ff_flow_instance_record", "form", "record", "state"),
    Index("ix_ff_flow_instance_flow", "app", "flow", "state"),
)

task = Table(
    "ff_task",
    metadata,
    identity(),
    must("instance", Id),
    must("app"),
    must("flow"),
    must("form"),
    must("record", Id),
    must("node"),
    must("kind"),
    must("title", Json),
    must("assignee", Id),
    must("state"),
    must("version", Integer),
    must("opened_at", UtcDateTime),
    may("due_at", UtcDateTime),
    may("closed_at", UtcDateTime),
    may("outcome"),
    may("decided_by", Id),
    may("comment"),
    Index("ix_ff_task_assignee", "assignee", "state", "opened_at"),
    Index("ix_ff_task_instance", "instance", "node"),
    Index("ix_ff_task_record", "form", "record", "state"),
)

decision = Table(
    "ff_decision",
    metadata,
    identity(),
    must("instance", Id),
    may("task", Id),
    must("node"),
    may("member", Id),
    must("outcome"),
    may("comment"),
    may("record_version", Integer),
    must("at", UtcDateTime),
    may("cause", Id),
    Index("ix_ff_decision_instance", "instance", "at"),
)
