"""What a form posts becomes the values that the API takes."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engines.field_look import FieldLook
from metadata.value_types import DATE, DATETIME, TEXT, YES_NO, link, list_of, number
from runtime.web.pages.fields.posted import read

SHANGHAI = ZoneInfo("Asia/Shanghai")


def _field(type: Any, mark: str = "") -> Any:
    kind = SimpleNamespace(widget="", look_of=lambda options: FieldLook(mark=mark))  # type: ignore[arg-type]
    return SimpleNamespace(type=type, options=None, kind=kind)


@pytest.mark.parametrize(
    ("field", "texts", "value"),
    [
        (_field(TEXT), [" Acme "], "Acme"),
        (_field(TEXT), [""], None),
        (_field(number(2), "money"), ["¥1,200.50"], Decimal("1200.50")),
        (_field(number(2), "money"), ["￥1，200"], Decimal("1200")),
        (_field(number(4), "percent"), ["95"], Decimal("0.95")),
        (_field(number(2)), ["a lot"], "a lot"),
        (_field(number(2)), ["NaN"], "NaN"),
        (_field(DATE), ["2026/1/5"], "2026-01-05"),
        (_field(DATE), ["2026年1月5日"], "2026-01-05"),
        (_field(DATE), ["tomorrow"], "tomorrow"),
        (_field(DATETIME), ["2026-11-20 09:30"], "2026-11-20T01:30:00Z"),
        (_field(DATETIME), ["2026-13-40 09:30"], "2026-13-40 09:30"),
        (_field(YES_NO), ["false", "true"], True),
        (_field(YES_NO), ["false"], False),
        (_field(list_of(TEXT)), ["", "a", "b"], ["a", "b"]),
        (_field(list_of(TEXT)), [""], []),
        (_field(link("t_customer")), ["12"], "12"),
    ],
)
def test_texts_become_values(field: Any, texts: list[str], value: Any) -> None:
    assert read(field, texts, SHANGHAI) == value
