"""Arguments of programs: texts with placeholders for what differs from case to case."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from lakecheck.spec.nodes import Node, join, near, quote
from lakecheck.spec.scalar_shapes import Text
from lakecheck.spec.shapes import INVALID, Context, Reference, Schema, mismatch

OF_ENDPOINT = ("url", "scheme", "host", "port", "path", "protocol")
OF_RSE = ("rse",)
ALWAYS = ("proxy",)
ATTRIBUTE = "attribute."
KNOWN = (*OF_RSE, *OF_ENDPOINT, *ALWAYS)
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def placeholders(text: str) -> Iterator[str]:
    """Names of the placeholders in a text; a brace that stands alone is a ValueError."""
    for match in _PART.finditer(text):
        if match[1] is not None:
            yield match[1]
        elif match[0] in ("{", "}"):
            raise ValueError(
                f"{quote(text)}: write a brace that means itself twice, {match[0] * 2}"
            )


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of placeholders, and single braces in that of doubled ones."""
    return _PART.sub(lambda match: values[match[1]] if match[1] is not None else match[0][0], text)


class Argument(Struct, frozen=True):
    """A word for a program, as written; `{host}` and its like are placeholders."""

    expected: str = "an argument"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "scalar"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if node.kind == "map" and len(node.entries) == 1:
            braced = f'; put it in quotes: "{{{next(iter(node.entries))}}}"'
            return mismatch(self, node, path, context, braced)
        if node.kind != "scalar" or node.value is None:
            return mismatch(self, node, path, context)
        text = Text().decode(node, path, context) if isinstance(node.value, str) else node.raw
        if text is INVALID:
            return INVALID
        try:
            self._check(text, node, path, context)
        except ValueError as error:
            context.faults.add(node.place, path, str(error))
            return INVALID
        return text

    @staticmethod
    def _check(text: str, node: Node, path: str, context: Context) -> None:
        if "\0" in text:
            raise ValueError("no argument of a program can hold the character NUL")
        for name in placeholders(text):
            if name.startswith(ATTRIBUTE):
                attribute = name.removeprefix(ATTRIBUTE)
                context.references.append(Reference("attribute", attribute, node.place, path))
            elif name not in KNOWN:
                known = ", ".join(KNOWN)
                hint = near(name, [*KNOWN, ATTRIBUTE]) or f"; there are {known}, attribute.NAME"
                raise ValueError(f"there is no placeholder {quote(name)}{hint}")

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"type": ["string", "number", "boolean"]}


class Arguments(Struct, frozen=True):
    """A program and its arguments, one item each: no shell takes them apart."""

    expected: str = "a list of a program and its arguments"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "list"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if node.kind != "list":
            words = ", ".join(quote(word) if "{" in word else word for word in node.raw.split())
            hint = f"; no shell takes it apart, so write [{words}]" if words else ""
            return mismatch(self, node, path, context, hint)
        if not node.items or node.items[0].value == "":
            context.faults.add(node.place, path, f"expected {self.expected}; there is no program")
            return INVALID
        values = [
            Argument().decode(item, join(path, number), context)
            for number, item in enumerate(node.items)
        ]
        return INVALID if any(value is INVALID for value in values) else tuple(values)

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"type": "array", "items": Argument().schema(), "minItems": 1}
