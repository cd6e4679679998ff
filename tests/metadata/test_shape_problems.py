"""How few entries are too few: told where a list was written too short, not where its entries are wrong themselves."""

import json
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from metadata.shape_problems import shape_problems


class Race(BaseModel):
    """Something that takes two at least."""

    runners: Annotated[tuple[int, ...], Field(min_length=2)]
    judges: Annotated[tuple[str, ...], Field(min_length=1)] = ("ann",)


def problems_of(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    with pytest.raises(ValidationError) as refused:
        Race.model_validate_json(json.dumps(document))
    found = shape_problems(refused.value, document, {})
    return [(str(each.path), each.code, each.message["en"]) for each in found]  # type: ignore[index]


def test_a_list_with_fewer_entries_than_it_needs_is_refused_though_it_is_not_empty() -> None:
    assert problems_of({"runners": [1]}) == [("/runners", "too_short", "There must be at least 2 entries here")]


def test_a_list_that_needs_one_entry_must_not_be_empty() -> None:
    assert problems_of({"runners": [1, 2], "judges": []}) == [("/judges", "too_short", "This must not be empty")]


def test_a_list_that_is_long_enough_is_told_of_its_wrong_entries_only() -> None:
    assert [(path, code) for path, code, _ in problems_of({"runners": [1, "two"]})] == [("/runners/1", "wrong_type")]


def test_a_list_may_be_too_short_and_wrong_at_once() -> None:
    found = {(path, code) for path, code, _ in problems_of({"runners": ["one"]})}

    assert found == {("/runners/0", "wrong_type"), ("/runners", "too_short")}
