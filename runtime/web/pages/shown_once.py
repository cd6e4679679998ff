"""What is made and shown in one answer only: the same form sent again makes no second one and shows nothing."""

from collections.abc import Callable
from typing import TypeVar

from starlette.datastructures import FormData

from metadata.problems import ROOT, Conflict, Problem
from runtime.transaction import Tx
from runtime.web.visit import Visit

T = TypeVar("T")


def shown_once(visit: Visit, form: FormData, make: Callable[[Tx], T]) -> T:
    """Make what a form asks for and give it; no secret is kept for a repeat of the form."""
    made: list[T] = []
    visit.once_of_form(form, lambda tx: made.append(make(tx)))
    if not made:
        raise _shown_before()
    return made[-1]  # after a deadlock it was made again


def _shown_before() -> Conflict:
    message = {
        "en": "This was done before; what it made was shown once",
        "zh": "该操作此前已完成，结果只显示一次",
    }
    hint = {"en": "If you have not kept it, make another.", "zh": "如未保存，请重新生成。"}
    return Conflict(Problem(ROOT, "shown_before", message, hint))
