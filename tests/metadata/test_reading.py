"""Reading a definition: short forms, ids, the canonical form, references."""

import json

import pytest

from metadata.canonical import as_text
from metadata.ids import known_ids
from metadata.language import Language
from metadata.problems import InvalidDefinition, LimitExceeded
from metadata.references import graph
from metadata.upgrades import upgrade
from tests.metadata.small_kinds import small_app


def test_short_forms_become_the_canonical_form(language: Language) -> None:
    document = language.canonical(language.read(small_app()))

    deal = document["forms"][1]
    assert deal["fields"][4]["options"] == [{"value": "open"}, {"value": "won"}]
    assert deal["columns"][1] == {"field": "customer.level"}
    assert deal["sort"] == [{"field": "amount", "descending": True}]
    assert [role["name"] for role in document["roles"]] == ["seller", "boss"]


def test_the_canonical_form_read_again_is_the_same_to_the_byte(language: Language) -> None:
    once = as_text(language.canonical(language.read(small_app())))

    again = as_text(language.canonical(language.read(json.loads(once))))

    assert again == once


def test_the_order_of_keys_means_nothing(language: Language) -> None:
    document = small_app()
    turned = json.loads(json.dumps(document), object_pairs_hook=lambda pairs: dict(reversed(pairs)))

    assert as_text(language.canonical(language.read(turned))) == as_text(language.canonical(language.read(document)))


def test_two_installations_agree_on_the_ids(language: Language) -> None:
    ours, theirs = language.read(small_app()), language.read(small_app())

    assert [form.id for form in ours.forms] == [form.id for form in theirs.forms]
    assert all(form.key.startswith("t_") and len(form.key) == 9 for form in ours.forms)


def test_a_file_without_ids_keeps_the_ids_that_are_live(language: Language) -> None:
    live = language.read(small_app())
    document = small_app()
    document["forms"][1]["fields"].insert(0, {"name": "new_one", "type": "text"})

    again = language.read(document, live)

    before = {field.name: field.id for field in live.forms[1].fields}
    after = {field.name: field.id for field in again.forms[1].fields}
    assert {name: after[name] for name in before} == before


def test_was_takes_the_id_of_the_old_name(language: Language) -> None:
    live = language.read(small_app(flows=[], rules=[], reports=[], dashboards=[]))
    document = small_app(flows=[], rules=[], reports=[], dashboards=[])
    document["forms"][1]["fields"][1] = {"name": "value_of_deal", "was": "amount", "type": "number"}
    document["forms"][1]["sort"] = []

    again = language.read(document, live)

    assert again.forms[1].fields[1].id == live.forms[1].fields[1].id
    assert "was" not in language.canonical(again)["forms"][1]["fields"][1]


def test_a_name_that_is_used_again_gets_an_id_of_its_own(language: Language) -> None:
    live = language.read(small_app())
    document = language.canonical(live)
    amount = document["forms"][1]["fields"][1]
    renamed, fresh = {**amount, "name": "old_amount"}, {"name": "amount", "type": "number"}
    document["forms"][1]["fields"][1:2] = [renamed, fresh]

    again = language.read(document, live)

    assert again.forms[1].fields[1].id == amount["id"]
    assert again.forms[1].fields[2].id not in (None, amount["id"])


def test_what_once_had_an_id_gets_it_back(language: Language) -> None:
    first = language.read(small_app())
    ever = known_ids(first) | {f"{first.forms[1].key}/f/title": "f_from_long_ago"}

    examined = language.examine(small_app(), None, ever)

    assert examined.app is not None
    assert examined.app.forms[1].fields[0].id == "f_from_long_ago"


def test_the_graph_knows_who_uses_a_field(language: Language) -> None:
    app = language.read(small_app())
    amount = app.forms[1].fields[1].key

    used = [str(use.path) for use in graph(app).uses(amount)]

    assert used == ["/forms/1/sort/0/field", "/flows/0/nodes/0/fields/amount", "/rules/0/then/0/values/amount"]


def test_a_path_through_a_link_uses_the_link_and_its_target(language: Language) -> None:
    app = language.read(small_app())
    level = app.forms[0].fields[1].key

    used = {str(use.path) for use in graph(app).uses(level)}

    assert used == {"/forms/1/fields/3/field", "/forms/1/columns/1/field", "/reports/0/dimensions/1/field"}


def test_an_old_format_is_brought_to_the_present_step_by_step() -> None:
    steps = {1: lambda old: {"forms": old["tables"]}, 2: lambda old: old}

    assert upgrade({"format": 1, "tables": []}, steps, 3) == {"forms": [], "format": 3}


def test_a_format_of_the_future_is_refused(language: Language) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        language.read(small_app(format=2))

    assert refused.value.problems[0].code == "format_too_new"


@pytest.mark.parametrize(("forms", "fine"), [(100, True), (101, False)])
def test_an_app_has_at_most_a_hundred_forms(language: Language, forms: int, fine: bool) -> None:
    document = {"app": "many", "forms": [_form(f"form_{number}") for number in range(forms)]}

    assert (not language.examine(document).problems) == fine


@pytest.mark.parametrize(("fields", "fine"), [(150, True), (151, False)])
def test_a_form_has_at_most_150_fields(language: Language, fields: int, fine: bool) -> None:
    form = {"name": "wide", "fields": [{"name": f"field_{n}", "type": "text"} for n in range(fields)]}

    problems = language.examine({"app": "wide", "forms": [form]}).problems

    assert (not problems) == fine
    if not fine:
        assert problems.items[0].limit == {"limit": "L26", "max": 150, "actual": 151}


@pytest.mark.parametrize(("choices", "fine"), [(500, True), (501, False)])
def test_a_field_has_at_most_500_choices(language: Language, choices: int, fine: bool) -> None:
    field = {"name": "kind", "type": "select", "options": [f"option {n}" for n in range(choices)]}

    assert (not language.examine({"app": "x", "forms": [{"name": "a", "fields": [field]}]}).problems) == fine


@pytest.mark.parametrize(("rules", "fine"), [(50, True), (51, False)])
def test_a_form_has_at_most_50_rules(language: Language, rules: int, fine: bool) -> None:
    rule = {"when": {"trigger": "created", "form": "a"}}
    document = {"app": "x", "forms": [_form("a")], "rules": [{"name": f"rule_{n}", **rule} for n in range(rules)]}

    assert (not language.examine(document).problems) == fine


@pytest.mark.parametrize(("nodes", "fine"), [(100, True), (101, False)])
def test_a_flow_has_at_most_100_nodes(language: Language, nodes: int, fine: bool) -> None:
    flow = {"name": "long", "form": "a", "nodes": [{"type": "action", "do": []}] * nodes}

    assert (not language.examine({"app": "x", "forms": [_form("a")], "flows": [flow]}).problems) == fine


@pytest.mark.parametrize(("actions", "fine"), [(20, True), (21, False)])
def test_a_rule_has_at_most_20_actions(language: Language, actions: int, fine: bool) -> None:
    tell = {"action": "notify", "to": "=owner", "text": "x"}
    rule = {"name": "long", "when": {"trigger": "created", "form": "a"}, "then": [tell] * actions}

    assert (not language.examine({"app": "x", "forms": [_form("a")], "rules": [rule]}).problems) == fine


@pytest.mark.parametrize(("conditions", "fine"), [(30, True), (31, False)])
def test_a_rule_has_at_most_30_conditions(language: Language, conditions: int, fine: bool) -> None:
    when = {"trigger": "created", "form": "a"}
    rule = {"name": "picky", "when": when, "if": {"all": ["title == 'x'"] * conditions}, "then": []}

    assert (not language.examine({"app": "x", "forms": [_form("a")], "rules": [rule]}).problems) == fine


@pytest.mark.parametrize(("branches", "fine"), [(10, True), (11, False)])
def test_a_node_has_at_most_10_branches(language: Language, branches: int, fine: bool) -> None:
    chosen = [{"if": "title == 'x'", "nodes": []}] * (branches - 1)
    node = {"type": "condition", "branches": [*chosen, {"else": True, "nodes": []}]}
    flow = {"name": "wide", "form": "a", "nodes": [node]}

    assert (not language.examine({"app": "x", "forms": [_form("a")], "flows": [flow]}).problems) == fine


def test_a_definition_of_more_than_five_megabytes_is_not_even_looked_at(language: Language) -> None:
    problems = language.examine(small_app(help="x" * 5_000_001)).problems

    assert [problem.code for problem in problems] == ["limit_exceeded"]
    assert LimitExceeded.status == 422


def _form(name: str) -> dict[str, object]:
    return {"name": name, "fields": [{"name": "title", "type": "text"}]}
