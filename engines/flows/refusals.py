"""What a flow answers to an event that comes too late, or from somebody who may not cause it."""

from metadata.problems import ROOT, Conflict, Invalid, Problem, Refused


def over(status: str) -> Conflict:
    """The flow has ended."""
    message = {"en": f"This flow is over: {status}", "zh": f"该流程已结束：{status}"}
    return Conflict(Problem(ROOT, "instance_ended", message))


def node_closed() -> Conflict:
    """The node does not wait any more."""
    message = {"en": "This step has been decided meanwhile", "zh": "该步骤已有结果"}
    return Conflict(Problem(ROOT, "node_closed", message))


def not_the_initiator() -> Refused:
    """Somebody else started the flow."""
    message = {"en": "Only who started the flow may withdraw it", "zh": "只有发起人可以撤回"}
    return Refused(Problem(ROOT, "not_the_initiator", message))


def no_initiator() -> Conflict:
    """Nobody started the flow."""
    message = {
        "en": "The flow was started by a rule; there is nobody to return it to",
        "zh": "该流程由规则发起，没有可退回的发起人",
    }
    return Conflict(Problem(ROOT, "no_initiator", message))


def no_way_back() -> Invalid:
    """The step lies ahead, or in another branch."""
    message = {"en": "The flow cannot go back to that step from here", "zh": "无法从这里退回到该步骤"}
    return Invalid(Problem(ROOT, "no_way_back", message))
