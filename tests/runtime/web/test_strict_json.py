"""Bodies are read strictly: whatever is wrong in them is told with its place and a way out."""

import pytest

from metadata.problems import Refusal
from runtime.web.strict_json import read_json


@pytest.mark.parametrize(
    ("body", "code", "place", "told"),
    [
        (b'{"values": {"name": 1, "name": 2}}', "duplicate_key", "/values/name", "once"),
        (b'{"values": {"rows": [{"price": 1}, {"price": NaN}]}}', "not_a_number", "/values/rows/1/price", "null"),
        (b"[1, -Infinity]", "not_a_number", "/1", "null"),
        (b'{"id": 12345678901234567890123456789012345678901}', "number_too_long", "/id", "text"),
        (b'{"id": 9223372036854775808}', "number_too_long", "/id", "text"),
        (b'{"a": 1e30}', "number_too_long", "/a", "15 digits"),
        (b'{"a": 1e99999999999999999999}', "number_too_long", "/a", "15 digits"),
        (b'{"a": [0, 1e999]}', "number_too_long", "/a/1", "15 digits"),
        (b'{"a":\n  1,}', "bad_json", "", "line 2, column"),
        (b'{"a": [' * 33 + b"1" + b"]}" * 33, "limit_exceeded", "/a/0/a/0/a/0/a/0", "32 levels"),
        (b'{"x": "[[[",\n "a": ' + b"[" * 100_000, "limit_exceeded", "", "line 2, column 38"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(body: bytes, code: str, place: str, told: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_json(body)
    (problem,) = refused.value.problems
    assert (problem.code, str(problem.path)) == (code, place)
    for language in ("en", "zh"):
        said = problem.as_json(language)
        assert said["hint"]
    said = problem.as_json("en")
    assert told in f"{said['message']} {said['hint']}"
