"""Reads a JSON body strictly: what Python would let pass in silence becomes a problem that names its place."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from metadata.problems import ROOT, LimitExceeded, Path, Problem, Refusal
from metadata.text import Text

DEPTH, KEYS, ITEMS, DIGITS = 32, 2_000, 10_000, 40
LARGEST = 2**63 - 1  # whole number that a JSON column can hold
BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')


class BadJson(Refusal):
    """The body is not the JSON it claims to be."""

    status = 400
    code = "bad_json"
    title = {"en": "The body is not valid JSON", "zh": "请求内容不是有效的 JSON"}


@dataclass(frozen=True)
class Misfit:
    """What stands where a number should; only its place has still to be found."""

    code: str
    message: Text
    hint: Text


class TwiceTheSame(dict[str, Any]):
    """An object in which a key stands twice; only its place has still to be found."""

    key = ""


def read_json(body: bytes) -> Any:
    """Give the value, with exact numbers; no duplicate keys, no NaN, no broken text, nothing too deep or too wide."""
    text = _decode(body)
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_exact, parse_int=_whole_number
        )
    except json.JSONDecodeError as error:
        message = {
            "en": f"Not JSON at line {error.lineno}, column {error.colno}: {error.msg.lower()}",
            "zh": f"第 {error.lineno} 行第 {error.colno} 列不是有效的 JSON",
        }
        hint = {"en": "Mind commas, quotes and brackets just before it", "zh": "请检查其前面的逗号、引号与括号"}
        _refuse("bad_json", message, hint=hint)
    except RecursionError:
        _too_deep(ROOT, _where_it_is_deep(text))
    _walk(value)
    return value


def _decode(body: bytes) -> str:
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        _refuse("byte_order_mark", {"en": "Send UTF-8 without a byte order mark", "zh": "请使用不带 BOM 的 UTF-8"})
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        message = {
            "en": f"The text is broken at byte {error.start}: not UTF-8",
            "zh": f"第 {error.start} 字节不是有效的 UTF-8",
        }
        _refuse("not_utf8", message)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    marked, seen = TwiceTheSame(found), set()
    for key, _ in pairs:
        if key in seen:
            marked.key = key
        seen.add(key)
    return marked


def _constant(name: str) -> Misfit:
    message = {"en": f"{name} is not a JSON number", "zh": f"{name} 不是有效的 JSON 数字"}
    return Misfit("not_a_number", message, {"en": "Send null for no value", "zh": "没有值时请发送 null"})


def _exact(digits: str) -> Decimal | Misfit:
    try:
        number = Decimal(digits)
    except InvalidOperation:  # its exponent is no number that anybody counts to
        return TOO_LONG
    return TOO_LONG if len(digits) > DIGITS or not -400 < number.adjusted() < 18 else number


def _whole_number(digits: str) -> int | Misfit:
    return TOO_LONG if len(digits) > DIGITS or not -LARGEST <= int(digits) <= LARGEST else int(digits)


TOO_LONG = Misfit(
    "number_too_long",
    {"en": "This number is too long", "zh": "数字过长"},
    {"en": "Numbers have at most 15 digits; ids are sent as text", "zh": "数字最多 15 位；标识请以文本发送"},
)


def _walk(value: Any) -> None:
    """Look at every place once, without recursion: depth, width, duplicate keys, text that no database stores."""
    waiting: list[tuple[Any, Path, int]] = [(value, ROOT, 1)]
    while waiting:
        at, path, depth = waiting.pop()
        if isinstance(at, str):
            _check_text(at, path)
        elif isinstance(at, Misfit):
            _refuse(at.code, at.message, path, at.hint)
        elif isinstance(at, dict):
            _check_object(at, path)
            waiting.extend([(child, path / key, depth + 1) for key, child in at.items() if not _is_harmless(child)])
        elif isinstance(at, list):
            _check_width(len(at), ITEMS, "items", path)
            places = enumerate(at)
            waiting.extend([(child, path / place, depth + 1) for place, child in places if not _is_harmless(child)])
        if depth > DEPTH and isinstance(at, dict | list):
            _too_deep(path)


def _is_harmless(value: Any) -> bool:
    """Whether nothing can be wrong with a value; most are so, and need no place to be told of."""
    kind = type(value)
    return kind is Decimal or kind is int or value is None or (kind is str and value.isascii() and "\x00" not in value)


def _check_object(value: dict[str, Any], path: Path) -> None:
    if isinstance(value, TwiceTheSame):
        message = {"en": f"The key “{value.key}” stands here twice", "zh": f"键“{value.key}”在此重复出现"}
        hint = {"en": "Send each key once: which of the two was meant is unclear", "zh": "每个键只能出现一次"}
        _refuse("duplicate_key", message, path / value.key, hint)
    _check_width(len(value), KEYS, "keys", path)
    for key in value:
        _check_text(key, path)


def _check_text(text: str, path: Path) -> None:
    if "\x00" in text or not (text.isascii() or _is_unicode(text)):
        _refuse("broken_text", {"en": "The text holds characters that do not exist", "zh": "文本包含无效字符"}, path)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_width(count: int, maximum: int, name: str, path: Path) -> None:
    if count > maximum:
        message = {"en": f"More than {maximum} {name} in one place", "zh": f"同一位置的元素超过 {maximum} 个"}
        raise LimitExceeded(
            Problem(path, "limit_exceeded", message, limit={"name": name, "max": maximum, "actual": count})
        )


def _too_deep(path: Path, where: tuple[int, int] | None = None) -> NoReturn:
    message = {"en": f"Nested deeper than {DEPTH} levels", "zh": f"嵌套超过 {DEPTH} 层"}
    if where is not None:
        line, column = where
        message = {
            "en": f"{message['en']} at line {line}, column {column}",
            "zh": f"第 {line} 行第 {column} 列{message['zh']}",
        }
    hint = {"en": "No value of ours lies so deep: look for a bracket too many", "zh": "请检查是否有多余的括号"}
    limit = {"name": "depth", "max": DEPTH}
    raise LimitExceeded(Problem(Path(path.parts[:8]), "limit_exceeded", message, hint, limit))


def _where_it_is_deep(text: str) -> tuple[int, int]:
    """Line and column of the first bracket that opens one level too many; brackets in strings are none."""
    depth = 0
    for found in BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > DEPTH:
            line = text.count("\n", 0, found.start()) + 1
            return line, found.start() - text.rfind("\n", 0, found.start())
    return 1, 1


def _refuse(code: str, message: Text, path: Path = ROOT, hint: Text = "") -> NoReturn:
    raise BadJson(Problem(path, code, message, hint))
