"""Passwords: which ones are good enough, and how they are kept (Argon2id)."""

import re
import unicodedata
from functools import cache
from pathlib import Path as FilePath
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from metadata.problems import Invalid, Path, Problem

SHORTEST, SHORTEST_FOR_ADMINS, LONGEST = 10, 12, 128
LEAST_GUESSES = 2 * 10**9
ESTIMATED_LENGTH = 72  # what the estimator takes; a password that is good so far is good
YEARS = tuple(str(year) for year in range(1940, 2060))

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_one_at_a_time = Lock()


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
    """Tell whether few guesses would do: 30,000 common passwords, words, names, keys in a row, dates, and what
    people do to them, as zxcvbn counts them; with the words of this place and common pinyin in front.
    """
    from zxcvbn import zxcvbn  # late: its lists take a tenth of a second, and only setting a password needs them

    plain = _normal(password)[:ESTIMATED_LENGTH]
    with _one_at_a_time:  # it keeps the own words in a place that all its callers share
        return bool(zxcvbn(plain, [*_parts(own_words), *common_words(), *YEARS])["guesses"] < LEAST_GUESSES)


@cache
def common_words() -> tuple[str, ...]:
    """The words that common passwords are made of and that the estimator does not know."""
    lines = (FilePath(__file__).parent / "common_words.txt").read_text(encoding="utf-8").splitlines()
    return tuple(word for line in lines if not line.startswith("#") for word in line.split())


def _parts(own_words: tuple[str, ...]) -> list[str]:
    """The words themselves and what they are made of: Ada Lovelace gives adalovelace, ada and lovelace."""
    found: dict[str, None] = {}
    for word in own_words:
        parts = [part for part in re.split(r"[\W_]+", _normal(word).lower()) if len(part) > 1]
        found |= dict.fromkeys(["".join(parts), "".join(reversed(parts)), *parts])
    return [word for word in found if word]


@cache
def _nobody() -> str:
    return _hasher.hash("nobody has this password")


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
