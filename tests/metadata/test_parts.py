"""Parts: a definition is cut and put together again, and a part is known by what it says."""

from metadata.language import Language
from metadata.parts import cut, join
from tests.metadata.small_kinds import small_app


def test_parts_put_together_are_the_definition_again(language: Language) -> None:
    app = language.read(small_app())

    assert language.load(join(cut(app))) == app


def test_a_change_of_one_thing_changes_one_part(language: Language) -> None:
    before = cut(language.read(small_app()))
    document = small_app()
    document["rules"][0]["enabled"] = False

    after = cut(language.read(document))

    changed = [old.kind for old, new in zip(before, after, strict=True) if old.hash != new.hash]
    assert changed == ["rules"]


def test_the_hash_does_not_depend_on_the_order_of_keys(language: Language) -> None:
    turned = small_app()
    turned["rules"][0]["then"][0]["values"] = dict(reversed(turned["rules"][0]["then"][0]["values"].items()))

    assert cut(language.read(turned)) == cut(language.read(small_app()))
