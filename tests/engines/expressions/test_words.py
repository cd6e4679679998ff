"""Expressions in words: any expression can be said, in the words that people use."""

import csv
import random
import re
from pathlib import Path

import pytest

from engines.expressions.words import Called, Titles, say_expression
from metadata.expressions import ExpressionError, check
from metadata.text import Text
from tests.engines.expressions.grammar import Grammar
from tests.engines.expressions.orders import ASKING, FUNCTIONS, OLD_SCOPE

SAID = list(csv.DictReader(Path(__file__).with_name("words.csv").read_text("utf-8").splitlines()))
TITLED: dict[tuple[str, str], tuple[str, str]] = {
    ("t_order", "f_n1"): ("Amount", "金额"),
    ("t_order", "f_n2"): ("Discount", "折扣"),
    ("t_order", "f_t1"): ("Stage", "阶段"),
    ("t_order", "f_t2"): ("Remark", "备注"),
    ("t_order", "f_d1"): ("Last follow-up", "最近跟进"),
    ("t_order", "f_d2"): ("Due", "到期日"),
    ("t_order", "f_b1"): ("Urgent", "加急"),
    ("t_order", "f_helper"): ("Helper", "协助人"),
    ("t_order", "f_customer"): ("Customer", "客户"),
    ("t_order", "f_tags"): ("Tags", "标签"),
    ("t_order", "f_watchers"): ("Watchers", "关注人"),
    ("t_order", "f_items"): ("Items", "明细"),
    ("t_order", "f_ts"): ("Sent at", "发送时间"),
    ("t_order", "owner"): ("Owner", "负责人"),
    ("t_order", "department"): ("Department", "部门"),
    ("f_items", "f_amt"): ("Price", "单价"),
    ("f_items", "f_ok"): ("Checked", "已核对"),
    ("f_items", "f_role"): ("Role", "角色"),
    ("t_customer", "f_name"): ("Name", "名称"),
    ("t_customer", "f_level"): ("Level", "级别"),
    ("t_customer", "owner"): ("Owner", "负责人"),
}
STAGES: dict[str, Text] = {"won": {"en": "Won", "zh": "赢单"}, "lost": {"en": "Lost", "zh": "输单"}}
ROLES: dict[str, Text] = {"seller": {"en": "Seller", "zh": "销售"}}


def called(form: str, field: str) -> Called | None:
    if (form, field) == ("user", "roles"):
        return Called({"en": "roles", "zh": "角色"}, ROLES)
    if (form, field) not in TITLED:
        return None
    english, chinese = TITLED[form, field]
    options = STAGES if field in ("f_t1", "f_tags") else {}
    return Called({"en": english, "zh": chinese}, options, percent=field == "f_n2")


TITLES = Titles(called, labels={("member", 7): "Ann", ("link", 21): "Acme"})


@pytest.mark.parametrize("line", SAID, ids=lambda line: line["expression"])
def test_an_expression_reads_as_one_says_it(line: dict[str, str]) -> None:
    expression = check(line["expression"], OLD_SCOPE.with_ids(), FUNCTIONS)

    assert say_expression(expression, TITLES, "en") == line["english"]
    assert say_expression(expression, TITLES, "zh") == line["chinese"]


def test_any_expression_can_be_said() -> None:
    dice = random.Random(23)
    told = 0
    for text in (Grammar(dice.choice).expression() for _ in range(1500)):
        try:
            expression = check(text, ASKING, FUNCTIONS)
        except ExpressionError:
            continue
        for titles in (TITLES, Titles()):
            english, chinese = (say_expression(expression, titles, language) for language in ("en", "zh"))
            assert english and chinese
            assert english != text or re.fullmatch(r"[\w.]+", text), text
            assert not re.search(r"==|!=|<=|>=| in \[|\bNone\b|\{\w+\}", re.sub("“[^”]*”", "", english)), (
                text,
                english,
            )
            told += 1
    assert told > 2000


def test_every_function_of_the_library_can_be_said() -> None:
    for function in FUNCTIONS:
        assert function.title
    texts = ["YEAR(d1) == 2026", "TEXT(n1, 2) == t1", "TEXT(ts, 'YYYY')", "WEEKNUM(d1)", "SQRT(n1)", "FIND('a', t1)"]
    for text in texts:
        said = say_expression(check(text, ASKING, FUNCTIONS), TITLES, "zh")
        assert "（" in said, said


def test_a_long_chain_of_choices_is_said_without_running_deep() -> None:
    text = "IFS(" + ", ".join(f"n1 > {place}, {place}" for place in range(55)) + ")"

    said = say_expression(check(text, ASKING, FUNCTIONS), TITLES, "en")

    assert said.startswith("0 if Amount is greater than 0, 1 if Amount is greater than 1, ")
    assert said.endswith("54 if Amount is greater than 54, otherwise blank")
