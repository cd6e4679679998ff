"""An upload is one file, whole and readable; whatever else is sent is refused in words, never kept in part."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from runtime.web.api import files, session

PLACE = "/api/v1/apps/none/files"


@pytest.fixture
def modules() -> tuple[ModuleType, ...]:
    return (session, files)


@pytest.fixture
def ada(hire: Callable[..., int], sign_in: Callable[[str], Any]) -> None:
    hire("Ada")
    sign_in("Ada")


def sent(client: TestClient, *contents: bytes, **headers: str) -> Any:
    files = [("file", (f"{index}.txt", content)) for index, content in enumerate(contents)]
    return client.post(PLACE, files=files, headers=headers)


def test_of_two_files_none_is_lost_in_silence(client: TestClient, ada: None) -> None:
    answer = sent(client, b"one", b"two")

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "one_file_at_a_time")


def test_a_form_that_cannot_be_read_is_refused_in_both_languages(client: TestClient, ada: None) -> None:
    for kind, body in (("multipart/form-data; boundary=x", b"--y\r\n\r\n"), ("multipart/form-data", b"x")):
        told = {
            client.post(PLACE, content=body, headers={"content-type": kind, "accept-language": each}).text
            for each in ("en", "zh")
        }
        assert len(told) == 2 and all('"bad_form"' in each for each in told), told


def test_another_file_under_the_same_key_is_another_request(client: TestClient, ada: None) -> None:
    headers = {"Idempotency-Key": "upload-1"}
    first, again, other = (sent(client, each, **headers) for each in (b"one", b"one", b"two"))

    assert (first.status_code, again.status_code) == (404, 404)
    assert again.headers["idempotency-replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
