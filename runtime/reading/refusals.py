"""What is said of what somebody may not see: the same as of what does not exist."""

from metadata.problems import ROOT, Invalid, NotFound, Path, Problem, Refused


def no_form() -> NotFound:
    """The same answer for a form that does not exist and for one the actor has no access to."""
    return NotFound(Problem(ROOT, "not_found", {"en": "There is no such form", "zh": "表单不存在"}))


def no_history() -> Refused:
    """The answer for somebody who may read a form, but not its past."""
    message = {"en": "You may not see the history of these records", "zh": "您不能查看这些记录的历史"}
    return Refused(Problem(ROOT, "forbidden", message))


def lies_ahead() -> Invalid:
    """The answer for who asks about what is still to come."""
    message = {"en": "This moment lies ahead", "zh": "该时间尚未到来"}
    hint = {"en": "Leave as_of out to read the records as they are", "zh": "省略 as_of 即读取当前记录"}
    return Invalid(Problem(Path(("as_of",)), "bad_moment", message, hint))


def no_record() -> NotFound:
    """The same answer for a record that does not exist and for one the actor may not see."""
    return NotFound(Problem(ROOT, "not_found", {"en": "There is no such record", "zh": "记录不存在"}))
