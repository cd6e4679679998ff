"""What stories can say, and how they say that something did not come true."""

from typing import Any

import pytest

from builder_api import publish, stories
from metadata.language import Language
from runtime import plugins
from runtime.services import Services

PEOPLE = {"ann": ["clerk"], "bo": ["boss"]}
REQUEST = {"ann": "saves", "form": "request", "as": "wish", "values": {"title": "A desk", "amount": 5}}


def test_what_was_returned_to_its_initiator_is_submitted_again() -> None:
    steps: list[dict[str, Any]] = [
        REQUEST,
        {"ann": "submits", "record": "wish"},
        {"bo": "returns", "task": "boss", "comment": "Which?"},
        {"then": "flow", "record": "wish", "state": "running"},
        {"ann": "submits", "record": "wish", "values": {"title": "A small desk"}},
        {"bo": "approves", "task": "boss"},
        {"then": "record", "wish": {"title": "A small desk"}},
        {"then": "flow", "record": "wish", "state": "approved"},
    ]
    assert complaint(steps) is None


def test_a_story_can_look_at_the_owner_of_a_record() -> None:
    assert complaint([REQUEST, {"then": "record", "wish": {"owner": "=ann", "version": 1}}]) is None


@pytest.mark.parametrize(
    ("step", "english", "chinese"),
    [
        (
            {"ann": "saves", "form": "request", "values": {"amount": 1}, "refused": "forbidden"},
            "it was refused for another reason (required)",
            "被拒绝的原因是另一个（required）",
        ),
        (
            {"then": "record", "wish": {"title": "A chair", "amount": 5}},
            'title is "A desk", not "A chair"',
            'title 是 "A desk"，而不是 "A chair"',
        ),
        ({"then": "record", "wish": {"amount": 6}}, "amount is 5, not 6", "amount 是 5，而不是 6"),
        ({"then": "flow", "record": "wish", "state": "approved"}, "the flow was not started", "流程尚未启动"),
        ({"ann": "withdraws", "record": "wish"}, "the flow was not started", "流程尚未启动"),
        ({"bo": "approves", "task": "boss"}, "bo has no open task “boss”", "bo 没有待办“boss”"),
        ({"bo": "comments", "task": "boss", "comment": "Hm"}, "bo has no open task “boss”", "bo 没有待办“boss”"),
    ],
)
def test_a_sentence_that_is_not_so_is_answered_with_what_is(step: dict[str, Any], english: str, chinese: str) -> None:
    found = complaint([REQUEST, step])

    assert found is not None
    assert found["en"].endswith(f"fails at step 2: {english}")
    assert found["zh"].endswith(f"在第 2 步失败：{chinese}")


def test_messages_come_in_the_language_of_the_people_and_are_told_where_another_was_expected() -> None:
    tell: dict[str, Any] = {"name": "tell", "when": {"trigger": "created", "form": "request"}}
    tell["then"] = [
        {"action": "notify", "to": "=owner", "text": {"en": "Got {{title}}", "zh": "收到 {{title}}"}},
        {"action": "mail", "to": "=owner", "subject": "Asked", "text": "For {{title}}"},
    ]
    got: dict[str, Any] = {"then": "notification", "for": "ann", "text": "Got A desk"}
    nobody: dict[str, Any] = {"then": "mail", "for": "bo", "count": 0}

    assert complaint([REQUEST, got, {"then": "mail", "for": "ann", "text": "For A desk"}, nobody], [tell]) is None
    assert complaint([REQUEST, {**got, "text": "收到"}], [tell], language="zh") is None
    found = complaint([REQUEST, {**got, "text": "chair"}], [tell])
    assert found is not None
    assert found["en"].endswith("“chair” is not in “Got A desk”")


def test_a_story_begins_when_its_app_was_just_published() -> None:
    noon: dict[str, Any] = {"name": "noon", "when": {"trigger": "schedule", "form": "request", "cron": "0 12 * * *"}}
    noon["then"] = [{"action": "set", "values": {"amount": "=amount + 1"}}]

    assert complaint([REQUEST, {"wait": "1 day"}, {"then": "record", "wish": {"amount": 6}}], [noon]) is None


def test_a_rule_that_failed_meanwhile_is_named_where_a_story_fails() -> None:
    close: dict[str, Any] = {"name": "close", "when": {"trigger": "schedule", "form": "request", "cron": "0 6 * * *"}}
    close["then"] = [{"action": "set", "values": {"title": ""}}]

    found = complaint([REQUEST, {"wait": "1 day"}, {"then": "record", "wish": {"title": None}}], [close])

    assert found is not None
    assert found["hint"].startswith("The rule “Close” failed meanwhile: ")
    assert found["hint"].endswith("This must be filled in")


def complaint(
    steps: list[dict[str, Any]], rules: list[dict[str, Any]] | None = None, **more: Any
) -> dict[str, str] | None:
    """What the telling has to say against a story; None when it came true."""
    document = desks(steps) | {"rules": rules or []}
    document["stories"][0] |= more
    definition = Language(plugins.load()).read(document)

    def make_live(services: Services, _definition: Any) -> None:
        publish.import_document(services, document)

    problems = stories.problems_of(stories.tell(definition, make_live))
    if not problems:
        return None
    english, chinese = (problems[0].as_json(language) for language in ("en", "zh"))
    return {"en": english["message"], "zh": chinese["message"], "hint": english.get("hint", "")}


def desks(steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "app": "desks",
        "roles": ["clerk", "boss"],
        "forms": [
            {
                "name": "request",
                "fields": [
                    {"name": "title", "type": "text", "required": True},
                    {"name": "amount", "type": "number", "decimals": 0},
                ],
            }
        ],
        "flows": [
            {
                "name": "asking",
                "form": "request",
                "nodes": [
                    {"type": "start", "edit": ["title"]},
                    {"type": "approval", "name": "boss", "approvers": {"role": "boss"}},
                ],
            }
        ],
        "access": [{"role": "clerk", "form": "request", "may": ["create", "read", "update", "start_flow"]}],
        "stories": [{"name": "a desk", "people": PEOPLE, "steps": steps}],
    }
