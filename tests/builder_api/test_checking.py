"""One broken field hides nothing else that is wrong, and nobody complains of it twice."""

from typing import Any

from builder_api.checking import Known, check
from metadata.language import Language
from runtime import plugins

LANGUAGE = Language(plugins.load())


def test_what_rests_on_a_broken_field_is_looked_at_as_far_as_it_goes() -> None:
    document: dict[str, Any] = {
        "app": "shop",
        "roles": ["clerk"],
        "forms": [
            {
                "name": "order",
                "fields": [
                    {"name": "title", "type": "text"},
                    {"name": "due", "type": "formula", "formula": "nothing_here + 1"},
                ],
            }
        ],
        "rules": [
            {
                "name": "remind",
                "when": {"trigger": "date", "form": "order", "field": "due", "offset": "-1 day"},
                "then": [{"action": "set", "values": {"title": "=also_nothing"}}],
            }
        ],
        "reports": [{"name": "titles", "form": "order", "measures": [{"name": "sum", "sum": "title"}]}],
    }

    found = {(str(each.path), each.code) for each in check(LANGUAGE, document, Known()).problems}

    assert ("/forms/0/fields/1/formula", "unknown_field") in found
    assert ("/rules/0/then/0/values/title", "unknown_field") in found
    assert ("/reports/0/measures/0/sum", "wrong_type") in found


def test_a_comparison_with_an_option_that_is_not_there_is_a_problem() -> None:
    state = {"name": "state", "type": "select", "options": ["open"]}
    forms = [{"name": "order", "fields": [state]}]
    views = [{"name": "mine", "form": "order", "where": "state == 'opn'"}]

    [problem] = check(LANGUAGE, {"app": "shop", "forms": forms, "views": views}, Known()).problems

    assert (str(problem.path), problem.code) == ("/views/0/where", "not_an_option")
