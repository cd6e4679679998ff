"""Every story is walked twice: straight, and with the state saved and restored between any two steps."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.engines.flows.play import Play, compiled


@pytest.fixture(params=["straight", "restored"])
def play(request: pytest.FixtureRequest) -> Callable[..., Play]:
    """Put a flow of these nodes on the stage; `record` holds values by field id."""

    def put(*nodes: Any, record: dict[str, Any] | None = None, **flow: Any) -> Play:
        return Play(compiled(*nodes, **flow), request.param == "restored", dict(record or {}))

    return put
