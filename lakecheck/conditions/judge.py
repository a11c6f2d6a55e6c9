"""What was promised against what was seen: a condition on one document."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from lakecheck import units
from lakecheck.conditions.tree import Comparison, Dimension, Joined, Not, Tree, comparisons
from lakecheck.model import Condition

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_SHOW: dict[Dimension, Callable[[float], str]] = {
    "size": units.show_size,
    "duration": units.show_duration,
    "rate": units.show_rate,
}


class Judgement(Struct, frozen=True):
    """A condition as written, the value that was seen, and whether it was met."""

    condition: str
    seen: str
    met: bool


def judge(condition: Condition, document: Mapping[str, object]) -> Judgement | None:
    """Judge a document; None where it has not the fields, or is of another check."""
    seen: dict[str, tuple[object, str]] = {}
    for comparison in comparisons(condition.tree):
        name = _resolve(comparison.left.name, document)
        if name is None:
            return None
        seen[name] = (document[name], _show(document[name], comparison))
    met = _holds(condition.tree, document)
    if len(seen) == 1:
        return Judgement(condition.text, next(iter(seen.values()))[1], met)
    shown = ", ".join(f"{name} {text}" for name, (_, text) in seen.items())
    return Judgement(condition.text, shown, met)


def _resolve(name: str, document: Mapping[str, object]) -> str | None:
    """Name of a field as the document has it, without the name of the document's own check."""
    if name in document:
        return name
    step, _, rest = name.partition(".")
    return rest if step == document.get("check") and rest in document else None


def _holds(tree: Tree, document: Mapping[str, object]) -> bool:
    if isinstance(tree, Not):
        return not _holds(tree.of, document)
    if isinstance(tree, Joined):
        met = (_holds(part, document) for part in tree.parts)
        return all(met) if tree.word == "and" else any(met)
    name = _resolve(tree.left.name, document)
    return name is not None and _compare(document[name], tree)


def _compare(value: object, comparison: Comparison) -> bool:
    wanted = comparison.right.value
    if isinstance(value, bool):
        value, wanted = str(value).lower(), str(comparison.right.text).lower()
    elif not isinstance(value, int | float) or isinstance(wanted, str):
        value, wanted = str(value), comparison.right.text
    if isinstance(value, str) and comparison.operator not in ("==", "!="):
        return False  # a text is neither more nor less than a number
    return _COMPARE[comparison.operator](value, wanted)


def _show(value: object, comparison: Comparison) -> str:
    show = _SHOW.get(comparison.right.dimension)
    if show and isinstance(value, int | float) and not isinstance(value, bool):
        return show(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
