"""What is wrong with a flow is said with place, reason and way out, all at once."""

import pytest

from engines import compile_app
from engines.flows import tree
from metadata.language import Language
from metadata.problems import InvalidDefinition
from runtime import plugins
from tests.engines.flows.play import approval, compiled, definition

ELSE = {"else": True, "nodes": []}


def problems(*nodes, **flow):
    kinds = plugins.load()
    with pytest.raises(InvalidDefinition) as refusal:
        compile_app(Language(kinds).read(definition(*nodes, **flow)), kinds)
    return {(str(problem.path), problem.code) for problem in refusal.value.problems}


def condition(*branches):
    return {"type": "condition", "branches": list(branches)}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([condition({"if": "days > 1", "nodes": []}, {"if": "days < 1", "nodes": []})], "else_missing"),
        ([condition(ELSE, {"if": "days > 1", "nodes": []})], "else_not_last"),
        ([condition({"nodes": []}, ELSE)], "branch_without_if"),
        ([condition({"if": "days > 1", "else": True, "nodes": []}, ELSE)], "if_and_else"),
        ([approval("a", {"manager_of": "days"})], "not_a_person"),
        ([approval("a", {"head_of": "applicant"})], "not_a_person"),
        ([approval("a", {"field": "note"})], "not_a_person"),
        ([approval("a", {"role": "hr"}, quorum=2, mode="all")], "quorum_without_any"),
        ([{"type": "wait", "until": "note"}], "wrong_type"),
        ([approval("a", {"role": "hr"}), approval("a", {"role": "hr"})], "duplicate"),
        ([approval("a", {"role": "hr"}), {"type": "start"}], "start_not_first"),
        ([approval("a", {"role": "hr"}, related=["note"])], "not_a_link"),
        ([approval("a", {"role": "hr"}, fields={"*": "write"})], "star_is_not_writable"),
        ([approval("a", {"role": "hr"}, edit=["note"], fields={"note": "hidden"})], "written_and_not"),
        ([approval("a", {"member": "ann"})], "not_a_person"),
        ([approval(f"a{i}", {"role": "hr"}) for i in range(101)], "limit_exceeded"),
        ([approval("a", {"role": "unheard_of"})], "unknown"),
        ([approval("a", {"role": "hr", "field": "applicant"})], "people_unclear"),
        ([approval("a", {"role": "hr"}, limit={"after": "soon"})], "bad_duration"),
        ([{"type": "wait"}], "wait_unclear"),
        ([{"type": "parallel", "branches": [{"nodes": []}]}], "too_few_branches"),
    ],
)
def test_a_flow_that_cannot_run_is_refused_with_its_place(nodes, expected):
    found = problems(*nodes)

    assert any(code.startswith(expected) for _, code in found), found
    assert all(path.startswith("/flows/0") for path, _ in found)


def test_all_problems_of_a_flow_come_at_once():
    found = problems(
        approval("a", {"manager_of": "days"}),
        condition({"if": "days > 1", "nodes": [approval("b", {"head_of": "note"})]}),
        {"type": "wait", "until": "note"},
        **{"if": "days + 1"},
    )

    assert {path for path, _ in found} >= {
        "/flows/0/nodes/0/approvers/manager_of",
        "/flows/0/nodes/1/branches",
        "/flows/0/nodes/2/until",
        "/flows/0/if",
    }


def test_a_single_approver_may_be_written_without_a_list():
    one = compiled(approval("a", {"role": "hr"}))
    many = compiled(approval("a", [{"role": "hr"}]))

    assert one.nodes["n_a"].config == many.nodes["n_a"].config


def test_every_node_says_what_it_does_in_both_languages():
    flow = compiled(
        approval("a", [{"role": "hr"}, {"manager_of": "initiator"}], mode="all"),
        {"type": "cc", "to": {"field": "helpers"}},
        {"type": "wait", "for": "2 days"},
        {"type": "parallel", "branches": [{"nodes": []}, {"nodes": []}]},
        condition({"if": "days > 5", "nodes": []}, ELSE),
        {"type": "action", "do": [{"action": "set", "values": {"state": "approved"}}]},
    )

    for node in flow.nodes.values():
        english, chinese = node.kind.box(node, "en"), node.kind.box(node, "zh")
        assert english["sentence"] and chinese["sentence"] and english["sentence"] != chinese["sentence"]
        assert english["title"] and english["icon"]
    assert flow.nodes["n_a"].kind.sentence(flow.nodes["n_a"].options, "zh") == "角色“hr”、发起人的上级 · 会签"


def test_a_condition_reads_in_words():
    flow = compiled(condition({"if": "amount >= 50000 and kind != 'sick' and owner == user", "nodes": []}, ELSE))

    (branch, otherwise) = tree(flow, None, "zh")[1]["branches"]
    assert branch["title"] == "Amount 大于等于 50,000，且 Kind 不为“sick”，且负责人是发起人"
    assert otherwise["title"] == "其他情况"


def test_the_rights_of_a_task_are_compiled_to_field_ids():
    flow = compiled(approval("a", {"role": "hr"}, fields={"*": "hidden", "note": "required"}, edit=["days"]))

    rights = flow.nodes["n_a"].rights
    assert rights.mode("f_amount") == "hidden"
    assert rights.required == {"f_note"}
    assert rights.editable == {"f_note", "f_days"}
