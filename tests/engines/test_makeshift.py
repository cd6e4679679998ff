"""An app that was in order once, compiled without all it needs: what cannot be understood rests, the others go on."""

from engines import compile_what_can_be
from engines.compiled import CompiledApp, StoredAs
from engines.values import CompiledValue
from metadata.text import say
from runtime.plugins import load
from tests.engines.forms.play import document, field, form, language


def app_without_gone() -> CompiledApp:
    """An app in which everything calls a function that is not there."""
    plant = form(
        "plant",
        field("name", default="=GONE()"),
        field("stored", "formula", formula="GONE(name)"),
        field("read", "formula", formula="GONE(today)"),
        field("behind", "formula", formula="stored * 2"),
        label="{{GONE(name)}}",
        validations=[{"valid_if": "GONE(name)", "message": "no"}],
    )
    definition = language().read(
        document(
            plant,
            rules=[{"name": "grow", "when": {"trigger": "created", "form": "plant"},
                    "then": [{"action": "set", "values": {"name": "=GONE()"}}]}],
            flows=[{"name": "ask", "form": "plant", "nodes": [
                {"type": "condition", "branches": [{"if": "GONE(name)"}, {"else": True}]}]}],
            reports=[{"name": "count", "form": "plant", "measures": [{"name": "n", "sum": "GONE(name)"}]}],
            dashboards=[{"name": "main", "cards": ["count"]}],
        )
    )  # fmt: skip
    return compile_what_can_be(definition, load(), 1, {"f_stored": StoredAs(1, "number:2")})


def test_a_field_that_cannot_be_computed_is_shown_as_it_is_stored_or_blank() -> None:
    fields = app_without_gone().form("plant").fields

    assert {each.name: (each.raw, each.storage, each.type.name) for each in fields.values()} == {
        "name": (False, "stored", "text"),
        "stored": (True, "stored", "number"),
        "read": (True, "computed", "text"),
        "behind": (False, "stored", "number"),
    }


def test_what_needs_it_rests_and_no_branch_is_taken_by_mistake() -> None:
    app = app_without_gone()

    assert not app.rules.rules
    assert not app.reports.reports
    [flow] = app.flows.values()
    assert [say(node.title or node.kind.title, "en") for node in flow.nodes.values()][1:] == [
        "“condition” is not installed"
    ]
    assert app.form("plant").label is not None
    assert [card.report for each in app.reports.dashboards.values() for card in each.cards] == [None]


def test_what_a_later_check_would_refuse_goes_on_as_it_did() -> None:
    rows = field("rows", "subform", fields=[field("size", "number", max=12345678901234567890)])
    shown = field("shown", "formula", formula="name", show_as="money")
    keeper, late = field("keeper", "member", default="7"), field("late", "formula", formula="TEXT(today)")
    plant = form("plant", field("name"), rows, shown, keeper, late, sort=["rows"], search=["rows"])
    count, more = {"name": "n", "count": True}, {"name": "more", "value": "n * 2", "where": "name == 'a'"}
    report = {
        "name": "r",
        "form": "plant",
        "dimensions": ["name"],
        "measures": [count, more],
        "parameters": [
            {"name": "p", "type": "text", "form": "plant", "options": "name", "default": "a"},
            {"name": "who", "type": "member", "default": "7"},
        ],
    }
    rules = [
        {
            "name": "keep",
            "when": {"trigger": "updated", "form": "plant", "fields": ["name", "late"]},
            "then": [
                {"action": "set", "values": {"keeper": "7"}},
                {"action": "notify", "to": [{"member": "ann"}], "text": "Hm"},
            ],
        },
        {
            "name": "turn",
            "when": {"trigger": "changed", "form": "plant", "field": "keeper", "to": "7"},
            "then": [{"action": "set", "values": {}}],
        },
        {
            "name": "hand",
            "when": {"trigger": "changed", "form": "plant", "field": "owner", "to": "7"},
            "then": [
                {"action": "update", "form": "plant", "record": "=id", "where": "name == 'a'", "values": {"name": "b"}}
            ],
        },
    ]
    definition = language().read(document(plant, reports=[{**report, "chart": {"type": "line"}}], rules=rules))

    app = compile_what_can_be(definition, load(), 1, {})

    assert app.reports.report("r") is not None
    assert not any(each.raw for each in app.form("plant").fields.values())
    assert {each.name for each in app.rules.rules.values()} == {"keep", "turn", "hand"}
    assert app.form("plant").fields["f_keeper"].default == CompiledValue(literal=7)
