"""Moments are shown and typed on the clock of whoever looks; what the app decides goes by its own."""

import re
from collections.abc import Callable
from typing import Any

from starlette.testclient import TestClient

from builder_api.publish import import_document
from engines.actor import system
from runtime import organisation
from runtime.services import Services
from runtime.transaction import run

CALLS = {
    "format": 1,
    "app": "calls",
    "time_zone": "Asia/Shanghai",
    "roles": [{"id": "r_caller", "name": "caller"}],
    "forms": [
        {
            "id": "t_call",
            "name": "call",
            "label": "{{topic}}",
            "fields": [
                {"id": "f_topic", "name": "topic", "type": "text"},
                {"id": "f_at", "name": "at", "type": "datetime"},
                {"id": "f_hour", "name": "hour", "type": "formula", "formula": "hour(at)", "decimals": 0},
            ],
        }
    ],
    "access": [{"role": "caller", "form": "call", "may": ["create", "read", "update"]}],
}


def test_each_reads_and_writes_a_moment_on_his_own_clock(
    services: Services, hire: Callable[..., int], client: TestClient, sign_in: Callable[[str], Any]
) -> None:
    import_document(services, CALLS)
    people = [hire("Berta", time_zone="Europe/Berlin"), hire("Shan", time_zone="Asia/Shanghai")]
    run(
        services,
        system("test"),
        lambda tx: [organisation.grant_role(tx, "calls", "r_caller", each) for each in people],
    )
    sign_in("Berta")
    form = client.get("/apps/calls/forms/call/new").text
    csrf = re.search(r'name="csrf" value="([^"]+)"', form)
    assert csrf is not None

    values = {"csrf": csrf[1], "topic": "Offer", "at": "2026-11-20 09:30"}
    page = client.post("/apps/calls/forms/call/new", data=values, headers={"HX-Request": "true"})
    record = page.headers["HX-Redirect"].rsplit("/", 1)[1]
    stored = client.get(f"/api/v1/apps/calls/forms/call/records/{record}").json()["values"]

    assert stored["at"] == "2026-11-20T08:30:00Z"
    assert stored["hour"] == 16
    assert "2026-11-20 09:30" in client.get(f"/apps/calls/forms/call/{record}").text
    sign_in("Shan")
    assert "2026-11-20 16:30" in client.get(f"/apps/calls/forms/call/{record}").text
    assert 'value="2026-11-20 16:30"' in client.get(f"/apps/calls/forms/call/{record}/edit").text
