"""The syntax tree of a condition; aggregates and arithmetic will be more operands."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Dimension = Literal["size", "duration", "rate", "number", "word"]
Operator = Literal["<", "<=", ">", ">=", "==", "!="]


class Field(Struct, frozen=True):
    """A field of a document, perhaps with a check's name before it; columns count from 1."""

    name: str
    column: int = 0


class Literally(Struct, frozen=True):
    """A value as written, in base units (bytes, seconds, bytes per second)."""

    text: str
    value: str | float
    dimension: Dimension
    column: int = 0


class Comparison(Struct, frozen=True):
    """A field against a value."""

    left: Field
    operator: Operator
    right: Literally


class Not(Struct, frozen=True):
    """The contrary."""

    of: Tree


class Joined(Struct, frozen=True):
    """Several conditions of which all (`and`) or any (`or`) must hold."""

    word: Literal["and", "or"]
    parts: tuple[Tree, ...]


Tree = Comparison | Not | Joined


def comparisons(tree: Tree) -> tuple[Comparison, ...]:
    """All comparisons in a tree, from left to right."""
    if isinstance(tree, Comparison):
        return (tree,)
    if isinstance(tree, Not):
        return comparisons(tree.of)
    return tuple(found for part in tree.parts for found in comparisons(part))


def fields_of(tree: Tree) -> tuple[Field, ...]:
    """All fields that a tree names, from left to right, each once."""
    return tuple({found.left.name: found.left for found in comparisons(tree)}.values())
