"""How many stored formulas a form may have, and how many may rest on one another (L29): each save computes them all."""

from engines.compiled import FieldKey
from engines.forms.resolve import Resolver
from engines.forms.storage import Storages
from metadata.problems import Path, Problems
from metadata.text import Text

MOST_FORMULAS = 50  # of a form with its subforms
MOST_DEEP = 10


def check_formulas(resolver: Resolver, where_stored: Storages, problems: Problems) -> None:
    """Say which forms compute too much with each save, and which formulas rest on too many others."""
    stored = [key for key in resolver.expressions if not where_stored.is_computed(key)]
    for form in resolver.forms.values():
        if form.parent is None:
            own = {form.id} | {each.id for each in resolver.forms.values() if each.parent == form.id}
            _check_count(problems, form.path, sum(key[0] in own for key in stored))
    depths: dict[FieldKey, int] = {}
    for key in resolver.order:
        if key in resolver.expressions:
            depths[key] = 1 + max((depths.get(each, 0) for each in where_stored.read_by(key)), default=0)
            if depths[key] == MOST_DEEP + 1:
                _say_too_deep(problems, resolver, key)


def _check_count(problems: Problems, path: Path, count: int) -> None:
    if count > MOST_FORMULAS:
        message: Text = {
            "en": f"A form has at most {MOST_FORMULAS} stored formulas, with those of its subforms",
            "zh": f"每个表单（含子表单）最多 {MOST_FORMULAS} 个存储的公式",
        }
        limit = {"name": "formulas_per_form", "max": MOST_FORMULAS, "actual": count}
        problems.add(path, "limit_exceeded", message, limit=limit)


def _say_too_deep(problems: Problems, resolver: Resolver, key: FieldKey) -> None:
    message: Text = {
        "en": f"This formula rests on formulas that rest on formulas, more than {MOST_DEEP} one behind the other",
        "zh": f"公式依赖公式超过 {MOST_DEEP} 层",
    }
    hint: Text = {"en": "Compute more in one formula", "zh": "请将多步合并到一个公式中"}
    limit = {"name": "formula_depth", "max": MOST_DEEP, "actual": MOST_DEEP + 1}
    problems.add(resolver.written(key).path / "formula", "limit_exceeded", message, hint=hint, limit=limit)
