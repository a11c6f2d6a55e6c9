r"""RSE expressions as Rucio's (https://rucio.github.io/documentation/started/concepts/rse_expressions).

Names, `attribute=value`, comparisons, `*`, and `|`, `&`, `\` from left to right without
precedence, with parentheses. Beyond Rucio, `*` inside a name is a glob.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Literal

import parsy
from msgspec import Struct

from lakecheck.model import RSE, Scalar

Operator = Literal["=", "<", ">", "<=", ">="]
LONGEST = 10_000
DEEPEST = 40

NAME_KEYS = ("rse", "name")  # Rucio has every RSE's name under `rse`
_EXPECTED = 'an RSE name, attribute=value, "*" or "("'


class Everything(Struct, frozen=True):
    """`*`: all RSEs."""


class Name(Struct, frozen=True):
    """An RSE's name, a glob of names, or an attribute that is true."""

    text: str
    column: int


class Comparison(Struct, frozen=True):
    """An attribute compared with a value; `<` and its kin compare numbers."""

    attribute: str
    operator: Operator
    value: str


class Combined(Struct, frozen=True):
    r"""Two sets: their union `|`, intersection `&` or difference `\`."""

    operator: str
    left: Tree
    right: Tree


Tree = Everything | Name | Comparison | Combined


class Expression(Struct, frozen=True):
    """A parsed RSE expression."""

    text: str
    tree: Tree

    def select(self, rses: Mapping[str, RSE]) -> tuple[str, ...]:
        """Names of the RSEs in the set, in the order of the inventory."""
        chosen = _evaluate(self.tree, rses)
        return tuple(name for name in rses if name in chosen)

    @property
    def names(self) -> tuple[Name, ...]:
        """All that stands for single RSEs or true attributes, without globs."""
        return tuple(term for term in terms(self.tree) if isinstance(term, Name))

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attributes that are compared."""
        return tuple(term.attribute for term in terms(self.tree) if isinstance(term, Comparison))


def terms(tree: Tree) -> list[Tree]:
    """The leaves of an expression, from left to right."""
    found: list[Tree] = []
    while isinstance(tree, Combined):
        found[:0] = terms(tree.right)
        tree = tree.left
    return [tree, *found]


def _evaluate(tree: Tree, rses: Mapping[str, RSE]) -> set[str]:
    # A chain of operators leans to the left, so only parentheses take a level of recursion.
    chain: list[Combined] = []
    while isinstance(tree, Combined):
        chain.append(tree)
        tree = tree.left
    chosen = {name for name, rse in rses.items() if _matches(tree, rse)}
    for link in reversed(chain):
        right = _evaluate(link.right, rses)
        if link.operator == "|":
            chosen |= right
        elif link.operator == "&":
            chosen &= right
        else:
            chosen -= right
    return chosen


def _matches(term: Tree, rse: RSE) -> bool:
    if isinstance(term, Name):
        if "*" in term.text:
            return fnmatchcase(rse.name, term.text)
        return rse.name == term.text or is_true(rse.attributes.get(term.text, False))
    if isinstance(term, Comparison):
        if term.attribute in NAME_KEYS and term.attribute not in rse.attributes:
            return term.operator == "=" and term.value == rse.name
        present = rse.attributes.get(term.attribute)
        return present is not None and _compare(present, term.operator, term.value)
    return True


def is_true(value: Scalar) -> bool:
    """Whether an attribute's value counts as true: `true`, or the text of it."""
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _compare(present: Scalar, operator: Operator, value: str) -> bool:
    if operator == "=":
        if isinstance(present, bool):
            return value.lower() == str(present).lower()
        if isinstance(present, str):
            return value == present
    left, right = _number(present), _number(value)
    if left is None or right is None:
        return False
    if operator == "=":
        return left == right
    if operator in ("<", "<="):
        return left < right or (operator == "<=" and left == right)
    return left > right or (operator == ">=" and left == right)


def _number(value: Scalar) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (ValueError, OverflowError):
        return None


@cache
def parse(text: str) -> Expression:
    """Parse an RSE expression; ValueError says what was expected, and in which column."""
    if len(text) > LONGEST:
        raise ValueError(f"an RSE expression may have {LONGEST} characters, this has {len(text)}")
    _check_parentheses(text)
    try:
        tree: Tree = (_space >> _expression << parsy.eof).parse(text)
    except parsy.ParseError as error:
        raise ValueError(_sentence(text, error.index)) from None
    return Expression(text, tree)


def _check_parentheses(text: str) -> None:
    opened: list[int] = []
    for column, character in enumerate(text, 1):
        if character == "(":
            opened.append(column)
            if len(opened) > DEEPEST:
                raise ValueError(f"more than {DEEPEST} parentheses inside each other")
        elif character == ")":
            if not opened:
                raise ValueError(f'the ")" in column {column} closes nothing')
            opened.pop()
    if opened:
        raise ValueError(f'the "(" in column {opened[-1]} is not closed')


def _sentence(text: str, index: int) -> str:
    if text[index : index + 2] == "!=":
        return f'there is no "!=" (column {index + 1}); take the rest away: *\\attribute=value'
    before = text[:index].rstrip()
    joined = before and before[-1] not in "|&\\("
    expected = 'one of "|", "&", "\\"' if joined and before[-1] not in "=<>" else _EXPECTED
    if joined and before[-1] in "=<>":
        expected = "a value"
    found = f'found "{text[index]}"' if index < len(text) else "found its end"
    return f"expected {expected} in column {index + 1}, {found}"


def _chain(first: Tree, rest: list[tuple[str, Tree]]) -> Tree:
    for operator, right in rest:
        first = Combined(operator, first, right)
    return first


def _name(column: int, text: str) -> Tree:
    return Name(text, column + 1)


_space = parsy.regex(r"\s*")
_expression = parsy.forward_declaration()
_group = parsy.string("(") >> _space >> _expression << parsy.string(")")
_comparison = parsy.seq(
    parsy.regex(r"[A-Za-z0-9._-]+") << _space,
    parsy.string_from("<=", ">=", "<", ">", "=") << _space,
    parsy.regex(r"[A-Za-z0-9._:/-]+"),
).combine(Comparison)
_word = parsy.seq(parsy.index, parsy.regex(r"[A-Za-z0-9._*-]*[A-Za-z0-9._-][A-Za-z0-9._*-]*"))
_everything = parsy.string("*").result(Everything())
_term = (_group | _comparison | _word.combine(_name) | _everything) << _space
_operator = parsy.char_from("|&\\") << _space
_expression.become(parsy.seq(_term, parsy.seq(_operator, _term).many()).combine(_chain))
