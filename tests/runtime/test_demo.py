"""The demo data: told as a script, it leaves an installation as if people had worked in it for months."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from builder_api import publish
from engines.actor import system
from runtime import demo, reading, transaction
from runtime.db import tables
from runtime.services import Services

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@pytest.fixture
def told(services: Services, dialect: str) -> Any:
    if dialect != "sqlite":
        pytest.skip("what the door does on PostgreSQL is tested elsewhere; this is one long script")
    publish.import_document(services, json.loads((EXAMPLES / "crm_app.json").read_text()))
    return demo.load(services, "crm", json.loads((EXAMPLES / "crm_demo.json").read_text()))


@pytest.mark.slow
def test_the_demo_leaves_people_records_and_a_history_but_no_mail(services: Services, told: Any) -> None:
    with transaction.read(services, system("test")) as tx:
        app = services.apps.live(tx, "crm")
        counts = {
            form: reading.count_records(tx, app, form, reading.ListQuery())
            for form in ("customer", "opportunity", "contract", "lead")
        }
        passwords = [each.password for each in told]
        stages = tx.connection.scalar(select(func.count()).select_from(tables.stage_span))
        mails = tx.connection.scalar(
            select(func.count())
            .select_from(tables.job)
            .where(tables.job.c.kind == "mail", tables.job.c.state == "queued")
        )
        last = tx.connection.scalar(select(func.max(tables.record_version.c.at)))

    assert len(set(passwords)) == len(passwords) >= 10
    assert (
        counts["customer"] >= 30 and counts["opportunity"] >= 60 and counts["contract"] >= 10 and counts["lead"] >= 10
    )
    assert stages and stages > counts["opportunity"]
    assert mails == 0
    assert last <= services.clock()


@pytest.mark.slow
def test_demo_dates_are_relative_to_the_day_of_the_import(services: Services, told: Any) -> None:
    with transaction.read(services, system("test")) as tx:
        app = services.apps.live(tx, "crm")
        soon = "stage not in ['won', 'lost'] and close_date >= today"
        late = "stage not in ['won', 'lost'] and close_date < today"
        ahead = reading.count_records(tx, app, "opportunity", reading.ListQuery(filter=soon))
        behind = reading.count_records(tx, app, "opportunity", reading.ListQuery(filter=late))

    assert ahead > 20
    assert behind == 0
