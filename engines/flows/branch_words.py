"""Says what the branches of a condition leave open, what two of them claim, and which is never reached."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from engines.flows.branch_pieces import Axis
from metadata.problems import Path, Problem
from metadata.text import Text, say

GAP_HINT: Text = {
    "en": "Close the gap (<= instead of <, say), or leave it if the else is meant",
    "zh": "请补上缺口（例如用 <= 代替 <）；如果本来就要走 else，可忽略",
}
OVERLAP_HINT: Text = {
    "en": "Narrow one of the conditions, or leave it if the order is meant",
    "zh": "请收窄其中一个条件；如果顺序是有意的，可忽略",
}
NEVER_HINT: Text = {
    "en": "Move the narrower branch to the front, or remove it",
    "zh": "请把范围更窄的分支移到前面，或删除它",
}


def gap(
    axes: Sequence[Axis], number: int, line: Sequence[tuple[int, ...]], first: int, last: int, path: Path
) -> Problem:
    """No branch holds on a part of an axis."""
    words = {
        language: _stretch(axes[number], first, last, language) + _context(axes, number, line[first], language)
        for language in ("en", "zh")
    }
    message = {
        "en": f"No branch holds for {words['en']}; such a record goes to the else",
        "zh": f"{words['zh']}时没有分支成立，记录将走 else 分支",
    }
    return Problem(path, "branch_gap", message, GAP_HINT)


def never_taken(later: int, path: Path) -> Problem:
    """The branches before it leave nothing to a branch."""
    message = {
        "en": f"Branch {later + 1} is never taken: the branches before it hold wherever it holds",
        "zh": f"第 {later + 1} 个分支永远不会进入：它成立时前面的分支都已成立",
    }
    return Problem(path / later / "if", "branch_never_taken", message, NEVER_HINT)


def overlap(axes: Sequence[Axis], both: set[tuple[int, ...]], earlier: int, later: int, path: Path) -> Problem:
    """Two branches claim the same values."""
    words = {}
    for language in ("en", "zh"):
        parts = [
            _stretch(axis, min(p[i] for p in both), max(p[i] for p in both), language)
            for i, axis in enumerate(axes)
            if len({place[i] for place in both}) < len(axis.pieces)
        ]
        words[language] = (" and " if language == "en" else "且").join(parts) or ("all" if language == "en" else "全部")
    message = {
        "en": f"Branches {earlier + 1} and {later + 1} both hold for {words['en']}; branch {earlier + 1} is taken",
        "zh": f"{words['zh']}时第 {earlier + 1} 和第 {later + 1} 个分支同时成立，将进入第 {earlier + 1} 个分支",
    }
    return Problem(path / later / "if", "branch_overlap", message, OVERLAP_HINT)


def _context(axes: Sequence[Axis], number: int, place: tuple[int, ...], language: str) -> str:
    """The values of the other fields at this place."""
    others = [
        _stretch(axis, place[index], place[index], language) for index, axis in enumerate(axes) if index != number
    ]
    if not others:
        return ""
    return f", with {' and '.join(others)}" if language == "en" else f"({'且'.join(others)})"


def _stretch(axis: Axis, first: int, last: int, language: str) -> str:
    """The pieces from first to last in words: "“amount” exactly 50,000"."""
    name, chinese = say(axis.title, language), language == "zh"
    if not axis.ordered:
        values = ("、" if chinese else ", ").join(
            _word(axis.pieces[i].sample, language) for i in range(first, last + 1)
        )
        return f"“{name}”为 {values}" if chinese else f"“{name}” {values}"
    begin, end = axis.pieces[first], axis.pieces[last]
    if first == last and begin.is_point:
        value = _word(begin.low, language)
        return f"“{name}”正好等于 {value}" if chinese else f"“{name}” exactly {value}"
    parts = []
    if begin.low is not None:
        word = ("从" if chinese else "from") if begin.is_point else ("大于" if chinese else "above")
        parts.append(f"{word} {_word(begin.low, language)}")
    if end.high is not None:
        word = ("到" if chinese else "up to") if end.is_point else ("小于" if chinese else "below")
        parts.append(f"{word} {_word(end.high, language)}")
    return f"“{name}”{'且'.join(parts)}" if chinese else f"“{name}” {' and '.join(parts)}"


def _word(value: Any, language: str) -> str:
    if isinstance(value, bool):
        return {"en": "yes" if value else "no", "zh": "是" if value else "否"}[language]
    return f"{value:,}" if isinstance(value, Decimal | int) else str(value)
