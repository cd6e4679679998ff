"""Templates: what they show, what they escape, and what they must not do."""

from decimal import Decimal
from typing import Any

import pytest

from engines.expressions import render, render_line
from metadata.expressions import EvaluationError, ExpressionError, check_template
from tests.engines.expressions.orders import FUNCTIONS, SCOPE, environment, records

RECORD: dict[str, Any] = {
    **records(1)[0],
    "f_n1": Decimal("1234567.50"),
    "f_n2": None,
    "f_t1": "<b>Ann & Bo</b>",
    "f_tags": ("a", "b"),
    "f_b1": True,
    "owner": 7,
    "f_customer": 21,
    "f_items": [
        {"f_amt": Decimal("2.00"), "f_role": "x", "f_product": 21},
        {"f_amt": None, "f_role": "<i>", "f_product": None},
    ],
}
ATTACKS = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self }}",
    "{{ self.__init__ }}",
    "{{ config }}",
    "{{ request }}",
    "{{ cycler }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ joiner }}",
    "{{ namespace() }}",
    "{{ lipsum() }}",
    "{{ lipsum.__globals__ }}",
    "{{ range(100000) }}",
    "{{ dict() }}",
    "{{ loop }}",
    "{{ varargs }}",
    "{{ caller() }}",
    "{{ t1|safe }}",
    "{{ t1|upper }}",
    "{{ t1|attr('x') }}",
    "{{ t1|format }}",
    "{{ tags|join }}",
    "{{ t1|center(99999999) }}",
    "{{ t1 ~ t1 }}",
    "{{ t1.format(n1) }}",
    "{{ '%s'|format(t1) }}",
    "{{ t1 is defined }}",
    "{{ t1 is string }}",
    "{{ n1 ** n1 }}",
    "{{ 9**99999 }}",
    "{{ 'x' * 99999999 }}",
    "{{ n1 // 2 }}",
    "{{ [n1] }}",
    "{{ {'a': 1} }}",
    "{{ (n1,) }}",
    "{{ t1[0] }}",
    "{{ record['t1'] }}",
    "{{ record }}",
    "{{ user.__class__ }}",
    "{{ _record }}",
    "{{ words(0) }}",
    "{{ show(0) }}",
    "{{ rows(0) }}",
    "{{ holds(0) }}",
    "{{ loop0 }}",
    "{{ items }}",
    "{{ customer }}",
    "{{ scroe }}",
    "{{ }}",
    "{{",
    "{{ t1",
    "{{ t1 }",
    "{{ '",
    "{%",
    "{% if b1 %}",
    "{% endif %}",
    "{% else %}",
    "{% endfor %}",
    "{% for %}",
    "{% for r %}",
    "{% for r in t1 %}{% endfor %}",
    "{% for r in tags %}{% endfor %}",
    "{% for r in range(9) %}{% endfor %}",
    "{% for t1 in items %}{% endfor %}",
    "{% for user in items %}{% endfor %}",
    "{% for _r in items %}{% endfor %}",
    "{% for r, q in items %}{% endfor %}",
    "{% for r in items recursive %}{% endfor %}",
    "{% for r in items if r.ok %}{% endfor %}",
    "{% for r in items %}{% endif %}",
    "{% if b1 %}{% endfor %}",
    "{% if b1 %}{% else %}{% else %}{% endif %}",
    "{% if b1 %}{% else %}{% elif b1 %}{% endif %}",
    "{% if t1 %}{% endif %}",
    "{% if n1 %}x{% endif %}",
    "{% set x = 1 %}",
    "{% set a = t1 ~ t1 %}",
    "{% macro m() %}{% endmacro %}",
    "{% call m() %}{% endcall %}",
    "{% include 'x' %}",
    "{% import 'os' as os %}",
    "{% from 'x' import y %}",
    "{% extends 'base' %}",
    "{% block b %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}",
    "{% raw %}{{ t1 }}{% endraw %}",
    "{% autoescape false %}{{ t1 }}{% endautoescape %}",
    "{% do tags.append(1) %}",
    "{% with x = 1 %}{% endwith %}",
    "{% trans %}x{% endtrans %}",
    "{% debug %}",
    "{%- if b1 -%}{% endif %}",
    "{% for r in items %}{% for q in items %}{% for p in items %}{% endfor %}{% endfor %}{% endfor %}",
    "{{ any(any(any(p.ok for p in items) for q in items) for r in items) }}",
    "{{ n1 }}" * 501,
    "x" * 50_001,
    "{% if b1 %}" * 30 + "{% endif %}" * 30,
    "{{ '" + "a" * 3000 + "' }}",
    "{{ n1 = 2 }}",
    "{{ n1; n2 }}",
    "{{ old.n1 }}",
]
HARMLESS = [
    "{# a comment #}",
    "}}",
    "%}",
    "{ { t1 } }",
    "# for x in y",
    "$t1",
    "${t1}",
    "{{ '{{' }}",
    "{{ '}}' }}",
    '{{ "{% if %}" }}',
    "<script>alert(1)</script>",
    "{t1}",
    "%(t1)s",
    "{0.__class__}",
]


def shown(text: str, language: str = "en", escape: bool = False) -> str:
    return render(check_template(text, SCOPE, FUNCTIONS), environment(RECORD), language, escape)


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("{{ n1 }}", "1,234,567.5", "1,234,567.5"),
        ("{{ n2 }}|", "|", "|"),
        ("{{ TEXT(n1, 2) }}", "1234567.50", "1234567.50"),
        ("{{ b1 }} {{ b1 and n2 > 1 }}", "yes no", "是 否"),
        ("{{ tags }}", "a, b", "a、b"),
        ("{{ owner }} {{ owner.department }}", "Ann Sales", "Ann Sales"),
        ("{{ today }} {{ now }}", "2026-11-19 2026-11-19 01:30", "2026-11-19 2026-11-19 01:30"),
        ("{{ customer.name }}: {{ customer.level * 2 }}", "Acme: 5", "Acme: 5"),
        ("{% if n1 > 5 %}many{% elif n1 > 1 %}some{% else %}none{% endif %}", "many", "many"),
        ("{% for r in items %}[{{ r.amt }} {{ r.product.name }}]{% endfor %}", "[2 Acme][ ]", "[2 Acme][ ]"),
        ("{% for r in items %}{{ COUNTIF(q.role == r.role for q in items) }}{% endfor %}", "11", "11"),
        ("a\n{% for r in items %}\n- {{ r.role }}\n{% endfor %}\nb", "a\n- x\n- <i>\nb", "a\n- x\n- <i>\nb"),
        ("{{ '}}' }} {{ \"%}\" }}", "}} %}", "}} %}"),
    ],
)
def test_values_read_as_people_write_them(text: str, english: str, chinese: str) -> None:
    assert shown(text) == english
    assert shown(text, "zh") == chinese


def test_values_are_escaped_in_html_and_the_words_are_not() -> None:
    assert shown("<p>{{ t1 }}</p>", escape=True) == "<p>&lt;b&gt;Ann &amp; Bo&lt;/b&gt;</p>"
    assert shown("<p>{{ t1 }}</p>") == "<p><b>Ann & Bo</b></p>"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack[:60])
def test_a_hostile_template_is_refused_when_it_is_checked(attack: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        check_template(attack, SCOPE, FUNCTIONS)

    assert isinstance(refused.value.problem.message, dict)
    assert refused.value.column is None or 0 <= refused.value.column <= len(attack)


@pytest.mark.parametrize("text", HARMLESS)
def test_words_are_words_whatever_they_look_like(text: str) -> None:
    words = {"{{ '{{' }}": "{{", "{{ '}}' }}": "}}", '{{ "{% if %}" }}': "{% if %}"}

    assert shown(text) == words.get(text, text)
    assert shown(text, escape=True) == words.get(text, text)


def test_a_value_is_never_rendered_again() -> None:
    record = {**RECORD, "f_t1": "{{ n1 }} {% if b1 %}"}

    written = render(check_template("{{ t1 }}", SCOPE, FUNCTIONS), environment(record), "en", False)

    assert written == "{{ n1 }} {% if b1 %}"


def test_a_loop_that_shows_nothing_stops_all_the_same() -> None:
    record = {**RECORD, "f_items": [{"f_amt": None}] * 1000}
    template = check_template("{% for r in items %}{% for q in items %}{% endfor %}{% endfor %}", SCOPE, FUNCTIONS)

    with pytest.raises(EvaluationError):
        render(template, environment(record), "en", False)


def test_a_text_that_grows_too_long_stops() -> None:
    record = {**RECORD, "f_t1": "x" * 90_000}
    template = check_template("{{ t1 }}" * 10, SCOPE, FUNCTIONS)

    with pytest.raises(EvaluationError):
        render(template, environment(record), "en", False)


def test_a_subject_is_one_short_line() -> None:
    record = {**RECORD, "f_t1": "a\r\nBcc: x@y.z\x00\x1b[0m\u2028b" + "c" * 300}

    line = render_line(check_template("Hi {{ t1 }}", SCOPE, FUNCTIONS), environment(record), "en")

    assert line.startswith("Hi a Bcc: x@y.z [0m b")
    assert len(line) == 200
    assert not any(ord(character) < 32 for character in line)
