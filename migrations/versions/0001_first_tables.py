"""The platform's first tables: organisation, sign-in, apps, history, jobs, flows, notifications, files, audit."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True)
MOMENT = sa.DateTime(timezone=True)

SEALED = "the audit trail is append-only"


def upgrade() -> None:
    op.create_table(
        "ff_api_key",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("member", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", JSON, nullable=True),
        sa.Column("networks", JSON, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_api_key"),
    )
    op.create_index("ix_ff_api_key_member", "ff_api_key", ["member"])
    op.create_index("uq_ff_api_key_hash", "ff_api_key", ["hash"], unique=True)
    op.create_table(
        "ff_app",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("live", ID, nullable=True),
        sa.Column("title", JSON, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_ff_app"),
    )
    op.create_index("uq_ff_app_name", "ff_app", ["name"], unique=True)
    op.create_table(
        "ff_audit",
        sa.Column("seq", ID, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", ID, nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("cause", ID, nullable=True),
        sa.Column("app", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=True),
        sa.Column("object_id", sa.Text(), nullable=True),
        sa.Column("object_version", sa.Text(), nullable=True),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=True),
        sa.Column("chain_pos", ID, nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_ff_audit"),
    )
    op.create_index("ix_ff_audit_actor", "ff_audit", ["actor", "at"])
    op.create_index("ix_ff_audit_at", "ff_audit", ["at"])
    op.create_index("ix_ff_audit_object", "ff_audit", ["object_kind", "object_id"])
    op.create_index("uq_ff_audit_chain_pos", "ff_audit", ["chain_pos"], unique=True)
    op.create_table(
        "ff_blob",
        sa.Column("hash", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_ff_blob"),
    )
    op.create_table(
        "ff_cause",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("parent", ID, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", ID, nullable=True),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("app", sa.Text(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ff_cause"),
    )
    op.create_index("ix_ff_cause_parent", "ff_cause", ["parent"])
    op.create_table(
        "ff_comment",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("member", ID, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ff_comment"),
    )
    op.create_index("ix_ff_comment_record", "ff_comment", ["form", "record", "at"])
    op.create_table(
        "ff_counter",
        sa.Column("app", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("field", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("period", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("value", ID, nullable=False),
        sa.PrimaryKeyConstraint("app", "field", "period", name="pk_ff_counter"),
    )
    op.create_table(
        "ff_decision",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("instance", ID, nullable=False),
        sa.Column("task", ID, nullable=True),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("member", ID, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("record_version", sa.Integer(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("cause", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_decision"),
    )
    op.create_index("ix_ff_decision_instance", "ff_decision", ["instance", "at"])
    op.create_table(
        "ff_department",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ff_department"),
    )
    op.create_table(
        "ff_department_head",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("department", ID, nullable=False),
        sa.Column("member", ID, nullable=False),
        sa.Column("valid_from", MOMENT, nullable=False),
        sa.Column("valid_to", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_department_head"),
    )
    op.create_index("ix_ff_department_head_department", "ff_department_head", ["department", "valid_from"])
    op.create_table(
        "ff_department_parent",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("department", ID, nullable=False),
        sa.Column("parent", ID, nullable=False),
        sa.Column("valid_from", MOMENT, nullable=False),
        sa.Column("valid_to", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_department_parent"),
    )
    op.create_index("ix_ff_department_parent_department", "ff_department_parent", ["department", "valid_from"])
    op.create_table(
        "ff_draft",
        sa.Column("app", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JSON, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", ID, nullable=True),
        sa.PrimaryKeyConstraint("app", name="pk_ff_draft"),
    )
    op.create_table(
        "ff_epoch",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("value", ID, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_ff_epoch"),
    )
    op.create_table(
        "ff_file",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=True),
        sa.Column("record", ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("storage", sa.Text(), nullable=False),
        sa.Column("uploaded_by", ID, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ff_file"),
    )
    op.create_index("ix_ff_file_record", "ff_file", ["form", "record"])
    op.create_index("ix_ff_file_unused", "ff_file", ["record", "at"])
    op.create_table(
        "ff_fired",
        sa.Column("app", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("rule", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("record", ID, autoincrement=False, nullable=False),
        sa.Column("occurrence", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("app", "rule", "record", "occurrence", name="pk_ff_fired"),
    )
    op.create_table(
        "ff_flow_instance",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("manifest", ID, nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("position", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("initiator", ID, nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("cause", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_flow_instance"),
    )
    op.create_index("ix_ff_flow_instance_flow", "ff_flow_instance", ["app", "flow", "state"])
    op.create_index("ix_ff_flow_instance_record", "ff_flow_instance", ["form", "record", "state"])
    op.create_table(
        "ff_heartbeat",
        sa.Column("executor", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("executor", name="pk_ff_heartbeat"),
    )
    op.create_table(
        "ff_idempotency",
        sa.Column("principal", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("route", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("expires", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("principal", "route", "key", name="pk_ff_idempotency"),
    )
    op.create_index("ix_ff_idempotency_expires", "ff_idempotency", ["expires"])
    op.create_table(
        "ff_job",
        sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("run_at", MOMENT, nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("cause", ID, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_ff_job"),
    )
    op.create_index("ix_ff_job_state", "ff_job", ["state", "run_at"])
    op.create_table(
        "ff_login_failure",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ff_login_failure"),
    )
    op.create_index("ix_ff_login_failure_subject", "ff_login_failure", ["subject", "at"])
    op.create_table(
        "ff_manager",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("member", ID, nullable=False),
        sa.Column("manager", ID, nullable=False),
        sa.Column("valid_from", MOMENT, nullable=False),
        sa.Column("valid_to", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_manager"),
    )
    op.create_index("ix_ff_manager_member", "ff_manager", ["member", "valid_from"])
    op.create_table(
        "ff_manifest",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parent", ID, nullable=True),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("parts", JSON, nullable=False),
        sa.Column("ids", JSON, nullable=False),
        sa.Column("published_at", MOMENT, nullable=False),
        sa.Column("published_by", ID, nullable=True),
        sa.Column("package", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_manifest"),
    )
    op.create_index("uq_ff_manifest_app_number", "ff_manifest", ["app", "number"], unique=True)
    op.create_table(
        "ff_member",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("rights", JSON, nullable=False),
        sa.Column("auth_epoch", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ff_member"),
    )
    op.create_index("uq_ff_member_email", "ff_member", ["email"], unique=True)
    op.create_table(
        "ff_membership",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("member", ID, nullable=False),
        sa.Column("department", ID, nullable=False),
        sa.Column("valid_from", MOMENT, nullable=False),
        sa.Column("valid_to", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_membership"),
    )
    op.create_index("ix_ff_membership_member", "ff_membership", ["member", "valid_from"])
    op.create_table(
        "ff_notification",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("member", ID, nullable=False),
        sa.Column("app", sa.Text(), nullable=True),
        sa.Column("form", sa.Text(), nullable=True),
        sa.Column("record", ID, nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("cause", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_notification"),
    )
    op.create_index("ix_ff_notification_member", "ff_notification", ["member", "read_at", "at"])
    op.create_table(
        "ff_part",
        sa.Column("hash", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_ff_part"),
    )
    op.create_table(
        "ff_record_version",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("cause", ID, nullable=False),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("forms_hash", sa.Text(), nullable=False),
        sa.Column("doc", JSON, nullable=True),
        sa.Column("changed", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ff_record_version"),
    )
    op.create_index("ix_ff_record_version_cause", "ff_record_version", ["cause"])
    op.create_index("uq_ff_record_version_record", "ff_record_version", ["form", "record", "seq", "app"], unique=True)
    op.create_table(
        "ff_role_member",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("member", ID, nullable=False),
        sa.Column("valid_from", MOMENT, nullable=False),
        sa.Column("valid_to", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_role_member"),
    )
    op.create_index("ix_ff_role_member_member", "ff_role_member", ["member", "app"])
    op.create_index("ix_ff_role_member_role", "ff_role_member", ["app", "role"])
    op.create_table(
        "ff_session",
        sa.Column("token_hash", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("member", ID, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("remembered", sa.Boolean(), nullable=False),
        sa.Column("elevated_until", MOMENT, nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_ff_session"),
    )
    op.create_index("ix_ff_session_expires_at", "ff_session", ["expires_at"])
    op.create_index("ix_ff_session_member", "ff_session", ["member", "created_at"])
    op.create_table(
        "ff_stage_span",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("from_value", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("actor", ID, nullable=True),
        sa.Column("entered_at", MOMENT, nullable=False),
        sa.Column("left_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_stage_span"),
    )
    op.create_index("ix_ff_stage_span_open", "ff_stage_span", ["app", "field", "value", "left_at", "entered_at"])
    op.create_index("uq_ff_stage_span_record", "ff_stage_span", ["form", "record", "field", "seq", "app"], unique=True)
    op.create_table(
        "ff_task",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("instance", ID, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("flow", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("record", ID, nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", JSON, nullable=False),
        sa.Column("assignee", ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ff_task"),
    )
    op.create_index("ix_ff_task_assignee", "ff_task", ["assignee", "state", "opened_at"])
    op.create_index("ix_ff_task_instance", "ff_task", ["instance", "node"])
    op.create_index("ix_ff_task_record", "ff_task", ["form", "record", "state"])
    op.create_table(
        "ff_timer",
        sa.Column("key", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("due", MOMENT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("zone", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_ff_timer"),
    )
    op.create_index("ix_ff_timer_due", "ff_timer", ["due"])
    op.create_table(
        "ff_trace",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("cause", ID, nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("rule_part", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=True),
        sa.Column("record", ID, nullable=True),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", JSON, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ff_trace"),
    )
    op.create_index("ix_ff_trace_at", "ff_trace", ["at"])
    op.create_index("ix_ff_trace_cause", "ff_trace", ["cause"])
    op.create_index("ix_ff_trace_record", "ff_trace", ["form", "record", "at"])
    op.create_index("ix_ff_trace_rule", "ff_trace", ["app", "rule", "at"])
    op.create_table(
        "ff_watermark",
        sa.Column("name", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_ff_watermark"),
    )
    # ### end Alembic commands ###
    protect_audit()


def protect_audit() -> None:
    """Entries never go and never change; only the sealer may add their place in the chain, once."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER ff_audit_keep BEFORE DELETE ON ff_audit BEGIN SELECT RAISE(ABORT, '{SEALED}'); END")
        op.execute(
            "CREATE TRIGGER ff_audit_seal BEFORE UPDATE ON ff_audit WHEN OLD.chain_pos IS NOT NULL "
            "OR OLD.seq IS NOT NEW.seq OR OLD.at IS NOT NEW.at OR OLD.actor IS NOT NEW.actor "
            "OR OLD.action IS NOT NEW.action OR OLD.detail IS NOT NEW.detail OR OLD.result IS NOT NEW.result "
            f"BEGIN SELECT RAISE(ABORT, '{SEALED}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION ff_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP = 'DELETE' OR OLD.chain_pos IS NOT NULL OR OLD.seq <> NEW.seq OR OLD.at <> NEW.at "
        "OR OLD.actor IS DISTINCT FROM NEW.actor OR OLD.action <> NEW.action "
        "OR OLD.detail::text <> NEW.detail::text OR OLD.result <> NEW.result "
        f"THEN RAISE EXCEPTION '{SEALED}'; END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER ff_audit_guard BEFORE UPDATE OR DELETE ON ff_audit "
        "FOR EACH ROW EXECUTE FUNCTION ff_audit_guard()"
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
