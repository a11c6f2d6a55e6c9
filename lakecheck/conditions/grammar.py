"""Text → condition: comparisons joined with `and`, `or`, `not` and parentheses."""

from __future__ import annotations

import re
from functools import cache

import parsy

from lakecheck import units
from lakecheck.conditions.fields import FIELDS, step_of
from lakecheck.conditions.tree import (
    Comparison,
    Dimension,
    Field,
    Joined,
    Literally,
    Not,
    Tree,
    comparisons,
    fields_of,
)
from lakecheck.model import Condition

LONGEST = 2_000
DEEPEST = 20
EXAMPLES: dict[Dimension, str] = {
    "size": "1MB",
    "duration": "30s",
    "rate": "25MB/s",
    "number": "1",
    "word": "pull",
}
NOUNS: dict[Dimension, str] = {
    "size": "a size",
    "duration": "a duration",
    "rate": "a rate",
    "number": "a number",
    "word": "a word",
}


@cache
def parse(text: str, more: tuple[str, ...] = ()) -> Condition:
    """Parse a condition; ValueError says what is wrong, and in which column.

    `more` are the fields of the test's kind, such as `tpc.verified`.
    """
    if len(text) > LONGEST:
        raise ValueError(f"a condition may have {LONGEST} characters, this has {len(text)}")
    if text.count("(") > DEEPEST or text.count("not ") > DEEPEST:
        raise ValueError(f"more than {DEEPEST} parentheses or negations")
    try:
        tree: Tree = (_space >> _either << _end).parse(text)
    except parsy.ParseError as error:
        raise ValueError(_sentence(text, error)) from None
    for comparison in comparisons(tree):
        _check_units(comparison, more)
    return Condition(text=text, step=_step(tree, more), tree=tree)


def _sentence(text: str, error: parsy.ParseError) -> str:
    found = f'found "{text[error.index]}"' if error.index < len(text) else "found its end"
    expected = ", ".join(sorted(error.expected))
    return f"expected {expected} in column {error.index + 1}, {found}"


def _step(tree: Tree, more: tuple[str, ...]) -> str:
    steps = {step: None for name in fields_of(tree) if (step := step_of(name.name, more))}
    if len(steps) > 1:
        names = " and ".join(steps)
        raise ValueError(f"it speaks of several checks ({names}); write one condition for each")
    return next(iter(steps), "")


def _check_units(comparison: Comparison, more: tuple[str, ...]) -> None:
    name, right = comparison.left.name, comparison.right
    step = step_of(name, more)
    dimension = FIELDS.get(name[len(step) + 1 :] if step else name)
    if dimension == "word" or (dimension is None and right.dimension == "word"):
        if comparison.operator not in ("==", "!="):
            raise ValueError(f"words are compared with == and !=, not with {comparison.operator}")
        return
    if dimension in (None, right.dimension):
        return
    example = EXAMPLES[dimension]
    if right.dimension == "number":
        example = f"{right.text}{example.lstrip('0123456789')}"
    raise ValueError(
        f'{name} is {NOUNS[dimension]}, "{right.text}" in column {right.column} is not; '
        f"write {name} {comparison.operator} {example}"
    )


def _number(text: str) -> float:
    if not re.fullmatch(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", text):
        raise ValueError(text)
    return float(text)


def _quantity(column: int, text: str) -> Literally:
    for dimension, read in _READERS:
        try:
            return Literally(text, read(text), dimension, column + 1)
        except ValueError:
            continue
    return Literally(text, text, "word", column + 1)


def _word(column: int, text: str) -> Literally:
    return Literally(text, text, "word", column + 1)


def _field(column: int, name: str) -> Field:
    return Field(name, column + 1)


def _join(word: str) -> parsy.Parser:
    return parsy.regex(rf"{word}\b").desc(f'"{word}"') << _space


def _all(parts: list[Tree]) -> Tree:
    return parts[0] if len(parts) == 1 else Joined("and", tuple(parts))


def _any(parts: list[Tree]) -> Tree:
    return parts[0] if len(parts) == 1 else Joined("or", tuple(parts))


_READERS: tuple[tuple[Dimension, units.Reader], ...] = (
    ("number", _number),
    ("rate", units.rate),
    ("size", units.size),
    ("duration", units.duration),
)

_end = parsy.eof.desc("its end")
_space = parsy.regex(r"\s*")
_reserved = r"(?!(?:and|or|not)\b)"
_name = parsy.seq(
    parsy.index, parsy.regex(_reserved + r"[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
).combine(_field)
_operator = parsy.string_from("<=", ">=", "==", "!=", "<", ">")
_value = parsy.alt(
    parsy.seq(parsy.index, parsy.regex(r'"([^"]*)"', group=1)).combine(_word),
    parsy.seq(parsy.index, parsy.regex(_reserved + r"[A-Za-z0-9_./:~+-]+")).combine(_quantity),
)
_comparison = parsy.seq(
    _name.desc("a field") << _space,
    _operator.desc("a comparison (< <= > >= == !=)") << _space,
    _value.desc("a value") << _space,
).combine(Comparison)

_either = parsy.forward_declaration()
_group = (
    parsy.string("(").desc('"("') >> _space >> _either << parsy.string(")").desc('")"') << _space
)
_single = parsy.forward_declaration()
_negation = (_join("not") >> _single).map(Not)
_single.become(_negation | _group | _comparison)
_both = _single.sep_by(_join("and"), min=1).map(_all)
_either.become(_both.sep_by(_join("or"), min=1).map(_any))
