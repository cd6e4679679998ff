"""Nobody reads, in any byte of any answer, what he may not see."""

import re
from itertools import islice
from typing import Any

import pytest

from tests.attacks.conftest import Installation
from tests.attacks.sweeping import addresses
from tests.conftest import THOROUGH

CUSTOMER_OF_SOL = {"name", "industry", "level"}


def may_see(who: str, stands_in: str) -> bool:
    """Whether a person may see what stands in a field of a record: the access of the example, by hand."""
    alias, name = stands_in.split(".")
    seller, _, what = alias.partition("_")
    if who == "sam":
        return seller == "sam" and name != "credit_limit"
    if who == "fred":
        shown = {"customer": {"name", "credit_limit"}, "contact": {"name", "position"}}
        return name in shown.get(what, ())
    if who == "lena":  # only what her open tasks show: two large contracts, their customers' names, and their labels
        return (what, name) in {("big", "files"), ("customer", "name")}
    if who == "sol":
        return what == "deal" or (what == "customer" and name in CUSTOMER_OF_SOL)
    return False


@pytest.mark.parametrize("who", ["sam", "fred", "lena", "sol", "nobody", "ada"])
def test_no_byte_tells_what_is_hidden(filled: Installation, who: str) -> None:
    every = 1 if filled.dialect == "sqlite" or THOROUGH else 6  # all are put on SQLite
    browser = filled.browser(who)
    hidden = {text: place for text, place in filled.canaries.items() if not may_see(who, place)}
    leaks: list[str] = []
    seen: set[str] = set()
    asked = 0
    for address in islice(addresses(filled), 0, None, every):
        answer = browser.get(address, headers={"accept": "text/html" if "/api/" not in address else "*/*"})
        asked += 1
        assert answer.status_code < 500, (address, answer.text[:500])
        text = plain(answer)
        assert " object at 0x" not in text, address
        leaks += [f"{address}: {hidden[each]}" for each in hidden if each in text]
        seen |= {place for text_, place in filled.canaries.items() if text_ in text}
    assert not leaks, f"{len(leaks)} of {asked}:\n" + "\n".join(leaks[:40])
    shown = {place for place in filled.canaries.values() if may_see(who, place)}
    assert seen == shown or (every > 1 and seen <= shown)


def plain(answer: Any) -> str:
    """All bytes of an answer, without what separates thousands."""
    whole = answer.content.decode("utf-8", "replace") + repr(answer.headers)
    return re.sub(r"(?<=\d)[,\u202f\u00a0 ](?=\d)", "", whole)
