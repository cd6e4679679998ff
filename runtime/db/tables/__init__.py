"""The platform's own tables (`ff_...`); the tables of apps are made by publishing.

They hold no foreign keys: history, audit and decisions outlive what they name, and a key would lock the row of every
member who is mentioned. Ids are made by the process (`runtime.db.ids`).
"""

from runtime.db.tables.apps import app, counter, draft, manifest, part
from runtime.db.tables.columns import metadata
from runtime.db.tables.flows import decision, flow_instance, task
from runtime.db.tables.happenings import audit, blob, cause, record_version, stage_span, trace
from runtime.db.tables.identity import (
    api_key,
    idempotency,
    login_failure,
    recovery_code,
    second_factor,
    session,
    ticket,
)
from runtime.db.tables.later import (
    fired,
    heartbeat,
    job,
    late_total,
    rule_state,
    slow_list,
    timer,
    total_check,
    turnstile,
    watermark,
)
from runtime.db.tables.messages import comment, file, notification
from runtime.db.tables.organisation import (
    department,
    department_head,
    department_parent,
    epoch,
    manager,
    member,
    membership,
    role_member,
)

__all__ = [
    "api_key",
    "app",
    "audit",
    "blob",
    "cause",
    "comment",
    "counter",
    "decision",
    "department",
    "department_head",
    "department_parent",
    "draft",
    "epoch",
    "file",
    "fired",
    "flow_instance",
    "heartbeat",
    "idempotency",
    "job",
    "late_total",
    "login_failure",
    "manager",
    "manifest",
    "member",
    "membership",
    "metadata",
    "notification",
    "part",
    "record_version",
    "recovery_code",
    "role_member",
    "rule_state",
    "second_factor",
    "session",
    "slow_list",
    "stage_span",
    "task",
    "ticket",
    "timer",
    "total_check",
    "trace",
    "turnstile",
    "watermark",
]
