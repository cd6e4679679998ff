"""Who presses a button twice on the pages of members and of the account has done it once."""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from starlette.testclient import TestClient

from runtime.db import tables
from runtime.services import Services

PAGE = {"accept": "text/html"}
SECRET = '<p class="secret"><code>'


def drawn(client: TestClient, path: str) -> dict[str, str]:
    return dict(re.findall(r'name="(csrf|idempotency-key)" value="([^"]+)"', client.get(path, headers=PAGE).text))


def test_a_second_click_makes_no_second_thing_and_shows_no_secret_again(
    client: TestClient, services: Services, hire: Callable[..., int], sign_in: Callable[[str], Any]
) -> None:
    root = hire("Root", rights=frozenset({"user_admin"}))
    sign_in("Root")
    sent = [
        ("/admin/members", "/admin/members", {"name": "Eve", "email": "eve@example.com"}),
        (f"/admin/members/{root}", f"/admin/members/{root}/link", {}),
        ("/account", "/account/keys", {"name": "robot"}),
    ]
    for page, path, values in sent:
        form = {**drawn(client, page), **values}
        first, again = (client.post(path, data=form, headers=PAGE) for _ in range(2))
        assert (first.status_code, again.status_code) == (200, 409), path
        assert SECRET in first.text, path
        assert SECRET not in again.text and "what it made was shown once" in again.text, path

    with services.database.read() as connection:
        counted = select(tables.audit.c.action, func.count()).group_by(tables.audit.c.action)
        acts = dict(connection.execute(counted).all())
    assert (acts["member_added"], acts["password_link_made"], acts["key_created"]) == (1, 2, 1)
