"""Every word of the pages exists in Chinese, and no template carries what the content policy forbids."""

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from runtime.web.rendering import environment
from runtime.web.wording import TEMPLATES, catalogue, script_messages

ROOT = Path(__file__).resolve().parents[3]
METHODS = [
    ("templates/**.html", "jinja2"),
    ("templates/static/js/**.js", "javascript"),
    ("runtime/web/**.py", "python"),
]
WORDS = {"_": None, "gettext": None, "word": None, "ngettext": (1, 2)}
PAGES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))


def test_every_word_of_the_pages_is_there_in_chinese() -> None:
    found = extract_from_dir(
        ROOT, METHODS, {"templates/**.html": {"trimmed": "true", "extensions": "jinja2.ext.do"}}, keywords=WORDS,
        directory_filter=lambda folder: not re.search(r"node_modules|\.venv|vendor|\.git", folder),
    )  # fmt: skip
    texts = {message if isinstance(message, str) else message[0] for _, _, message, *_ in found}
    known = catalogue("zh")

    missing = sorted(text for text in texts if text and not (known.get(text) and known.get(text).string))  # type: ignore[union-attr]

    assert missing == []


def test_the_islands_get_the_words_they_say() -> None:
    assert script_messages("zh")["Nothing found"] == "没有找到"
    assert script_messages("en") == {}


@pytest.mark.parametrize("page", PAGES)
def test_templates_hold_nothing_that_the_content_policy_forbids(page: str) -> None:
    text = re.sub(r"\{#.*?#\}", "", (TEMPLATES / page).read_text(), flags=re.S)
    text = re.sub(r"target:<.*?/>", "", text)  # a selector of htmx, not a condition in JavaScript

    assert not re.search(r"\sstyle=|\son[a-z]+=|hx-on|js:|<style|hx-trigger=\"[^\"]*\[", text)
    assert not re.search(r"<script(?![^>]*(src=|application/json))", text)
    assert "|safe" not in text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", PAGES)
def test_every_template_compiles(page: str, language: str) -> None:
    environment(language).get_template(page)
