"""The words of expressions in English and Chinese, and how they are put together."""

import re
from collections.abc import Iterable, Mapping
from functools import reduce

from metadata.text import Text, say

Phrases = Mapping[str, Text]

SIGNS = {"*": "×", "/": "÷", "-": "−", "%": "mod"}
SLOT = re.compile(r"\{(\w+)\}")
IDEOGRAPHS = re.compile(r"[\u3400-\u9fff]")
LATIN = re.compile(r"[A-Za-z0-9]")


def _two(english: str, chinese: str) -> Text:
    return {"en": english, "zh": chinese}


PHRASES: Phrases = {
    "record": _two("the record", "本记录"),
    "old_record": _two("the record before the change", "变更前的记录"),
    "row": _two("the row", "该行"),
    "blank": _two("blank", "空"),
    "yes": _two("yes", "是"),
    "no": _two("no", "否"),
    "today": _two("today", "今天"),
    "now": _two("now", "此刻"),
    "quoted": _two("“{a}”", "“{a}”"),
    "brackets": _two("({a})", "（{a}）"),
    "comma": _two(", ", "、"),
    "comma_between": _two(", ", "，"),
    "last_or": _two("{a} or {b}", "{a}或{b}"),
    "last_and": _two("{a} and {b}", "{a}和{b}"),
    "and": _two(" and ", "，且"),
    "or": _two(" or ", "，或"),
    "not": _two("it is not so that {a}", "并非{a}"),
    "whether": _two("whether {a}", "{a}是否成立"),
    "holds": _two("{a} holds", "{a}成立"),
    "always": _two("always", "始终成立"),
    "never": _two("never", "始终不成立"),
    "is_yes": _two("{a} is yes", "{a}为是"),
    "is_no": _two("{a} is no", "{a}为否"),
    "is_blank": _two("{a} is blank", "{a}为空"),
    "is_filled": _two("{a} is filled in", "{a}不为空"),
    "is_new": _two("the record is new", "记录为新建"),
    "is_not_new": _two("the record is not new", "记录不是新建"),
    "changed": _two("{a} has changed", "{a}已变化"),
    "unchanged": _two("{a} has not changed", "{a}未变化"),
    "equal": _two("{a} is {b}", "{a}为{b}"),
    "not_equal": _two("{a} is not {b}", "{a}不为{b}"),
    "number_equal": _two("{a} is {b}", "{a}等于{b}"),
    "not_number_equal": _two("{a} is not {b}", "{a}不等于{b}"),
    "who_equal": _two("{a} is {b}", "{a}是{b}"),
    "not_who_equal": _two("{a} is not {b}", "{a}不是{b}"),
    "ordered": _two("{a} is {order} {b}", "{a}{order}{b}"),
    "not_ordered": _two("{a} is not {order} {b}", "{a}并非{order}{b}"),
    "among": _two("{a} is one of {b}", "{a}属于{b}"),
    "not_among": _two("{a} is not one of {b}", "{a}不属于{b}"),
    "holds_one": _two("{b} is among {a}", "{a}包含{b}"),
    "not_holds_one": _two("{b} is not among {a}", "{a}不包含{b}"),
    "contains": _two("{a} contains {b}", "{a}包含{b}"),
    "not_contains": _two("{a} does not contain {b}", "{a}不包含{b}"),
    "begins": _two("{a} begins with {b}", "{a}以{b}开头"),
    "not_begins": _two("{a} does not begin with {b}", "{a}不以{b}开头"),
    "ends": _two("{a} ends with {b}", "{a}以{b}结尾"),
    "not_ends": _two("{a} does not end with {b}", "{a}不以{b}结尾"),
    "any_rows": _two("in at least one row of {rows}, {a}", "{rows}中至少有一行满足：{a}"),
    "all_rows": _two("in every row of {rows}, {a}", "{rows}中每一行都满足：{a}"),
    "none_rows": _two("in no row of {rows}, {a}", "{rows}中没有一行满足：{a}"),
    "any_rows_where": _two(
        "in at least one row of {rows} where {where}, {a}", "{rows}中符合“{where}”的行至少有一行满足：{a}"
    ),
    "all_rows_where": _two("in every row of {rows} where {where}, {a}", "{rows}中符合“{where}”的行都满足：{a}"),
    "none_rows_where": _two("in no row of {rows} where {where}, {a}", "{rows}中符合“{where}”的行都不满足：{a}"),
    "total_rows": _two("the number of rows of {rows}", "{rows}的行数"),
    "total_rows_where": _two("the number of rows of {rows} where {where}", "{rows}中符合“{where}”的行数"),
    "total_count": _two("the number of {a} in {rows}", "{rows}中{a}的个数"),
    "total_count_where": _two("the number of {a} in {rows} where {where}", "{rows}中符合“{where}”的{a}的个数"),
    "total_sum": _two("the sum of {a} in {rows}", "{rows}中{a}的合计"),
    "total_sum_where": _two("the sum of {a} in {rows} where {where}", "{rows}中符合“{where}”的{a}的合计"),
    "total_avg": _two("the average of {a} in {rows}", "{rows}中{a}的平均值"),
    "total_avg_where": _two("the average of {a} in {rows} where {where}", "{rows}中符合“{where}”的{a}的平均值"),
    "total_min": _two("the smallest {a} in {rows}", "{rows}中{a}的最小值"),
    "total_min_where": _two("the smallest {a} in {rows} where {where}", "{rows}中符合“{where}”的{a}的最小值"),
    "total_max": _two("the largest {a} in {rows}", "{rows}中{a}的最大值"),
    "total_max_where": _two("the largest {a} in {rows} where {where}", "{rows}中符合“{where}”的{a}的最大值"),
    "of": _two("{b} of {a}", "{a}的{b}"),
    "of_person": _two("{a} {b}", "{a}{b}"),
    "before": _two("{a} before the change", "变更前的{a}"),
    "case": _two("{a} if {test}", "{test}时为{a}"),
    "otherwise": _two("{a}, otherwise {b}", "{a}，否则为{b}"),
    "instead": _two("{a}, or {b} where it is blank", "{a}（为空时取{b}）"),
    "smallest": _two("the smallest of {a}", "{a}中最小的"),
    "largest": _two("the largest of {a}", "{a}中最大的"),
    "length": _two("the number of {a}", "{a}的个数"),
    "todate": _two("the day of {a}", "{a}的日期"),
    "manager_of": _two("the manager of {a}", "{a}的上级"),
    "head_of": _two("the head of {a}", "{a}的负责人"),
    "days_since": _two("the days since {a}", "{a}至今的天数"),
    "days_until": _two("the days until {b}", "距{b}的天数"),
    "days_between": _two("the days from {a} to {b}", "{a}至{b}的天数"),
    "call": _two("{a}({b})", "{a}（{b}）"),
    "ago": _two("{a} is {order} {b} ago", "{a}已过去{order}{b}"),
    "ahead": _two("{a} is {order} {b} from today", "距{a}还有{order}{b}"),
    "days": _two("{a} days", "{a}天"),
    "days_one": _two("{a} day", "{a}天"),
    "one_day": _two("{a} day", "{a}天"),
    "weeks": _two("{a} weeks", "{a}周"),
    "weeks_one": _two("{a} week", "{a}周"),
    "months": _two("{a} months", "{a}个月"),
    "months_one": _two("{a} month", "{a}个月"),
    "years": _two("{a} years", "{a}年"),
    "years_one": _two("{a} year", "{a}年"),
    "later": _two("{b} after {a}", "{a}之后{b}"),
    "earlier": _two("{b} before {a}", "{a}之前{b}"),
}
ORDERS: Mapping[tuple[str, str], Text] = {
    ("number", "<"): _two("less than", "小于"),
    ("number", "<="): _two("at most", "小于等于"),
    ("number", ">"): _two("greater than", "大于"),
    ("number", ">="): _two("at least", "大于等于"),
    ("date", "<"): _two("before", "早于"),
    ("date", "<="): _two("on or before", "早于或等于"),
    ("date", ">"): _two("after", "晚于"),
    ("date", ">="): _two("on or after", "晚于或等于"),
    ("text", "<"): _two("before", "排在前于"),
    ("text", "<="): _two("before or equal to", "排在前于或等于"),
    ("text", ">"): _two("after", "排在后于"),
    ("text", ">="): _two("after or equal to", "排在后于或等于"),
}
AFTER: Mapping[tuple[str, str], Text] = {
    (direction, sign): words
    for direction in ("ago", "ahead")
    for sign, words in {
        "<": _two("less than", "不足"),
        "<=": _two("at most", "不超过"),
        ">": _two("more than", "超过"),
        ">=": _two("at least", "不少于"),
    }.items()
}
TITLES: Mapping[tuple[str, str], Text] = {
    ("member", "id"): _two("Id", "编号"),
    ("member", "name"): _two("Name", "姓名"),
    ("member", "email"): _two("E-mail", "邮箱"),
    ("member", "department"): _two("Department", "部门"),
    ("member", "manager"): _two("Manager", "上级"),
    ("department", "name"): _two("Name", "名称"),
    ("department", "head"): _two("Head", "负责人"),
    ("department", "parent"): _two("Department above", "上级部门"),
    ("user", "departments"): _two("departments, with those below", "部门（含下级）"),
    ("user", "roles"): _two("Roles", "角色"),
}


def glued(pattern: str, parts: Mapping[str, str]) -> str:
    """Put the parts into a pattern; between ideographs and letters or digits comes a space, as Chinese is set."""
    pieces = SLOT.split(pattern)
    text = ""
    for index, piece in enumerate(pieces):
        text = spaced(text, parts.get(piece, "") if index % 2 else piece)
    return text


def joined(word: str, texts: Iterable[str], language: str) -> str:
    """The texts with “and” or “or” between them."""
    between = say(PHRASES[word], language)
    return reduce(lambda before, after: spaced(spaced(before, between), after), texts)


def spaced(before: str, after: str) -> str:
    """Two texts side by side."""
    if before and after and _apart(before[-1], after[0]):
        return f"{before} {after}"
    return before + after


def _apart(left: str, right: str) -> bool:
    return bool(
        (IDEOGRAPHS.match(left) and LATIN.match(right))
        or (LATIN.match(left) and IDEOGRAPHS.match(right))
        or (left == "%" and IDEOGRAPHS.match(right))
    )
