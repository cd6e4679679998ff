"""What would be different after a publish, in words."""

from builder_api.plan_words import changes_said


def test_each_thing_that_changes_goes_by_its_own_title() -> None:
    told = [
        {"name": "one", "title": "First"},
        {"name": "two", "title": {"en": "Second", "zh": "其二"}},
        {"name": "raw"},
    ]
    access = [{"role": "clerk", "form": "request"}]

    said = changes_said({"stories": told}, {"access": access}, "zh")

    assert [(each["section"], each["title"], each["change"]) for each in said] == [
        ("权限", "", "added"),
        ("故事", "First", "removed"),
        ("故事", "其二", "removed"),
        ("故事", "raw", "removed"),
    ]
