"""Two people at once: exactly one decision wins, and a join fires once."""

import threading

import pytest

from metadata.problems import Conflict
from runtime.db import tables
from runtime.flows import instances

ROUNDS = 5


def at_once(*works):
    """Run all works at the same moment; give what each returned or raised."""
    barrier, answers = threading.Barrier(len(works)), [None] * len(works)

    def act(index, work):
        barrier.wait()
        try:
            answers[index] = work()
        except Exception as error:
            answers[index] = error

    threads = [threading.Thread(target=act, args=(index, work)) for index, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def deciding(department, name, task, outcome):
    return lambda: department.run(name, lambda tx, app: instances.decide(tx, app, task.id, outcome, task.version))


def test_of_two_decisions_at_once_exactly_one_wins(department):
    for number in range(ROUNDS):
        department.submit(department.contract(title=f"deal {number}"))
        task = department.task("dan")

        answers = at_once(
            deciding(department, "dan", task, "approve"),
            deciding(department, "dan", task, "reject"),
            deciding(department, "dan", task, "approve"),
        )

        lost = [each for each in answers if isinstance(each, Conflict)]
        assert len(lost) == 2, answers
        assert {each.code for each in lost} == {"already_decided"}
        assert department.todo("dan") == ()
        for name in ("lea", "gus"):
            for open_task in department.todo(name):
                assert open_task.label == f"deal {number}"
                values = {"verdict": "x"} if name == "lea" else {}
                department.decide(name, values=values)
    decided = tables.decision.c.node == "n_director"
    assert department.count(tables.decision, decided) == ROUNDS


def test_votes_that_arrive_together_open_the_next_task_once(department):
    for number in range(ROUNDS):
        department.submit(department.contract(title="special"))
        votes = [(name, department.task(name)) for name in ("dan", "lea", "gus")]

        answers = at_once(*[deciding(department, name, task, "approve") for name, task in votes])

        assert sum(isinstance(each, str) for each in answers) == 2, answers
        assert len(department.todo("fay")) == 1, number
        department.decide("fay")


def test_two_starts_at_once_make_one_instance(department):
    record = department.contract()

    answers = at_once(*[lambda: department.submit(record)] * 3)

    assert sum(isinstance(each, int) for each in answers) == 1, answers
    assert all(isinstance(each, int) or each.code == "already_running" for each in answers), answers
    assert len(department.todo("dan")) == 1


@pytest.mark.parametrize("other", ["withdraw", "reject"])
def test_a_withdrawal_and_a_decision_at_once_leave_one_end(department, other):
    id = department.submit(department.contract(10))
    task = department.task("dan")
    works = [deciding(department, "dan", task, "approve" if other == "withdraw" else "reject")]
    works.append(lambda: department.run("sam", lambda tx, app: instances.withdraw(tx, app, id)))

    answers = at_once(*works)

    assert sum(isinstance(each, str) for each in answers) == 1, answers
