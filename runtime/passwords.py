"""Passwords: which ones are good enough, and how they are kept (Argon2id)."""

import re
import unicodedata
from functools import cache
from pathlib import Path as FilePath

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from metadata.problems import Invalid, Path, Problem

SHORTEST, SHORTEST_FOR_ADMINS, LONGEST = 10, 12, 128

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_LEET = str.maketrans("013457@$!", "oieastasi")
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "abcdefghijklmnopqrstuvwxyz", "qazwsxedcrfvtgbyhnujmikolp")


def hash_password(password: str) -> str:
    """Give what is stored instead of the password."""
    return _hasher.hash(_normal(password))


def verify_password(password: str, kept: str | None) -> bool:
    """Tell whether the password fits; for nobody it takes as long as for somebody."""
    try:
        return _hasher.verify(kept or _nobody(), _normal(password)[: LONGEST * 4]) and bool(kept)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def needs_rehash(kept: str) -> bool:
    """Tell whether it was kept under older, weaker parameters."""
    return _hasher.check_needs_rehash(kept)


def require_good_password(password: str, own_words: tuple[str, ...] = (), admin: bool = False) -> None:
    """Refuse a password that is too short, too long, or that anyone would try first."""
    shortest = SHORTEST_FOR_ADMINS if admin else SHORTEST
    length = len(_normal(password))
    if not shortest <= length <= LONGEST:
        message = {
            "en": f"A password has {shortest} to {LONGEST} characters; this one has {length}",
            "zh": f"密码长度须为 {shortest} 至 {LONGEST} 个字符，当前为 {length} 个",
        }
        raise Invalid(Problem(Path(("password",)), "password_length", message))
    if is_easy_to_guess(password, own_words):
        message = {"en": "This password is among the first that anyone would try", "zh": "该密码过于常见，容易被猜中"}
        hint = {"en": "Take three or four words that do not belong together", "zh": "可使用三四个互不相关的词语组合"}
        raise Invalid(Problem(Path(("password",)), "password_common", message, hint))


def is_easy_to_guess(password: str, own_words: tuple[str, ...] = ()) -> bool:
    """Recognise common words and what people do to them: case, digits for letters, digits around, doubling."""
    plain = _normal(password).lower()
    if len(set(plain)) < 4 or _is_walk(plain):
        return True
    words = common_words() | {part for word in own_words for part in re.split(r"\W+", word.lower()) if len(part) > 2}
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain)
    return any(_only_words(re.sub(r"[\W\d_]+", "", form), words) for form in (plain, core.translate(_LEET)))


@cache
def common_words() -> frozenset[str]:
    """The words that common passwords are made of."""
    lines = (FilePath(__file__).parent / "common_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _only_words(text: str, words: frozenset[str], depth: int = 2) -> bool:
    """Tell whether the text is one common word, or two in a row, or one repeated."""
    if not text or text in words or _is_walk(text):
        return True
    if (text + text).find(text, 1) < len(text):
        return _only_words(text[: (text + text).find(text, 1)], words, depth)
    return depth > 1 and any(
        text[:cut] in words and _only_words(text[cut:], words, depth - 1) for cut in range(3, len(text) - 2)
    )


def _is_walk(text: str) -> bool:
    """Tell whether the text runs along keys or the alphabet, forwards or backwards, in pieces of three or more."""
    position = 0
    while position < len(text):
        length = max((_run(text[position:], row) for row in _all_rows()), default=0)
        if length < 3:
            return False
        position += length
    return True


def _run(text: str, row: str) -> int:
    length = 0
    while length < len(text) and text[: length + 1] in row:
        length += 1
    return length


@cache
def _all_rows() -> tuple[str, ...]:
    return tuple(row for each in _ROWS for row in (each * 2, each[::-1] * 2))


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
