"""Rules in words: with the titles that people know, in both languages."""

from engines.rules import sentence_of
from tests.engines.rules.sales import FORMS, sales

TITLED = [
    {**FORMS[0], "title": {"en": "Customer", "zh": "客户"}},
    {
        **FORMS[1],
        "title": {"en": "Deal", "zh": "商机"},
        "fields": [
            {**field, "title": {"en": "Stage", "zh": "阶段"}} if field["name"] == "stage" else field
            for field in FORMS[1]["fields"]
        ],
    },
    FORMS[2],
]
RULE = {
    "when": {"trigger": "time_in_stage", "form": "deal", "field": "stage", "value": "offer", "duration": "10 day"},
    "if": "amount > 100",
    "then": [
        {"action": "notify", "to": ["=owner", {"role": "boss"}], "text": "x"},
        {"action": "update", "form": "customer", "record": "=customer", "values": {"level": "A"}},
    ],
    "else": [{"action": "assign", "to": None}],
}


def test_a_rule_can_be_read_aloud() -> None:
    app = sales(RULE, forms=TITLED)
    (rule,) = app.rules

    assert sentence_of(app, rule, "en") == (
        "When Stage of Deal has been “offer” for 10 days, if Amount is greater than 100: notify Owner, "
        "role “Boss”, then set Level of Customer; else give it back to the pool."
    )
    assert sentence_of(app, rule, "zh") == (
        "当“商机”的阶段停留在“offer”满 10 天时，如果 Amount 大于 100，则通知负责人、角色“Boss”，并"
        "修改“客户”的 Level；否则退回公海池。"
    )


def test_every_kind_says_what_it_is_in_both_languages() -> None:
    from runtime import plugins

    kinds = plugins.load()
    for kind in (*kinds.triggers, *kinds.actions):
        assert set(kind.title) == {"en", "zh"}, kind.name
        assert kind.icon
        assert type(kind).sentence is not type(kind).__mro__[1].sentence, f"{kind.name} has no sentence of its own"


def test_conditions_are_joined_by_words() -> None:
    nested = {"all": ["amount > 1", {"any": ["score > 2", "score < 1 and amount > 5"]}], "none": ["stage == 'lost'"]}
    app = sales({"when": {"trigger": "created", "form": "deal"}, "if": nested, "then": RULE["else"]})
    (rule,) = app.rules

    assert (
        "if Amount is greater than 1 and (Score is greater than 2 or "
        "(Score is less than 1 and Amount is greater than 5)) and it is not so that Stage is “lost”:"
    ) in sentence_of(app, rule, "en")
    assert (
        "如果 Amount 大于 1，且（Score 大于 2，或（Score 小于 1，且 Amount 大于 5）），且并非 Stage 为“lost”，"
    ) in sentence_of(app, rule, "zh")
