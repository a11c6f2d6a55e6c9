"""Shapes of single values: texts, names, quantities, numbers, truth values, choices."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from lakecheck import units
from lakecheck.spec.nodes import Node, near, quote
from lakecheck.spec.shapes import INVALID, Context, Reference, Schema, Shape, mismatch

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def read_text(
    shape: Shape, node: Node, path: str, context: Context, parse: Callable[[str], Any]
) -> Any:
    """Give what `parse` makes of a text; its ValueError is the fault, as the message says it."""
    text = Text(shape.expected).decode(node, path, context)
    if text is INVALID:
        return INVALID
    try:
        return parse(text)
    except ValueError as error:
        context.faults.add(node.place, path, str(error))
        return INVALID


class Text(Struct, frozen=True):
    """A text, perhaps of a pattern, perhaps a name that refers to something declared."""

    expected: str = "a text"
    pattern: str = ""
    refers: str = ""

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "scalar" and isinstance(node.value, str)

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if not isinstance(node.value, str):
            hint = "; put it in quotes if it is meant as text" if node.raw else ""
            return mismatch(self, node, path, context, hint)
        if "${" in node.value and not self._take_variables(node, path, context):
            return INVALID
        if self.pattern and not re.fullmatch(self.pattern, node.value):
            return mismatch(self, node, path, context)
        if self.refers:
            context.references.append(Reference(self.refers, node.value, node.place, path))
        return node.value

    @staticmethod
    def _take_variables(node: Node, path: str, context: Context) -> bool:
        text = str(node.value)
        if not context.takes_variables:
            message = (
                f"{quote(text)}: environment variables are taken only in values of "
                "credentials, services, publish and actions"
            )
        elif "${" in VARIABLE.sub("", text):
            message = "an environment variable is written ${NAME}, and nothing else stands in it"
        else:
            context.references.extend(
                Reference("variable", name, node.place, path) for name in VARIABLE.findall(text)
            )
            return True
        context.faults.add(node.place, path, message)
        return False

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        found: Schema = {"type": "string"}
        return found | ({"pattern": f"^({self.pattern})$"} if self.pattern else {})


class ScalarShape(Struct, frozen=True):
    """A text, a number or a truth value: an attribute."""

    expected: str = "a text, a number, true or false"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "scalar"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if isinstance(node.value, str):
            return Text().decode(node, path, context)
        if node.value is None or not math.isfinite(node.value):
            return mismatch(self, node, path, context)
        return node.value

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"type": ["string", "number", "boolean"]}


class Quantity(Struct, frozen=True):
    """A number with a unit."""

    expected: str
    example: str
    unit: str  # the one to suggest where there is none
    pattern: str
    read: Callable[[str], float]
    make: Callable[[float], Any]
    zero: bool = False

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "scalar"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if isinstance(node.value, bool) or node.kind != "scalar" or node.value is None:
            expected = f"{self.expected} such as {self.example}"
            message = f"expected {expected}, found {context.found(node)}"
            context.faults.add(node.place, path, message)
            return INVALID
        example = f"{node.raw}{self.unit}"
        message = f"{node.raw} has no unit; write {self.expected}, such as {example}"
        if isinstance(node.value, str):
            try:
                value = self.read(node.value)
            except ValueError as error:
                message = str(error)
            else:
                if value > 0 or self.zero:
                    return self.make(value)
                message = (
                    f"{quote(node.value)} is no time at all; write more, such as {self.example}"
                )
        context.faults.add(node.place, path, message)
        return INVALID

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"type": "string", "pattern": f"^({self.pattern})$", "examples": [self.example]}


SIZE = Quantity("a size", "1MB", "B", units.SIZE_PATTERN, units.size, units.Size, zero=True)
DURATION = Quantity(
    "a duration", "30s", "s", units.DURATION_PATTERN, units.duration, units.Duration
)
RATE = Quantity("a rate", "25MB/s", "MB/s", units.RATE_PATTERN, units.rate, units.Rate)


class Number(Struct, frozen=True):
    """A number; whole where `whole` is true."""

    expected: str = "a number"
    whole: bool = False

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "scalar" and type(node.value) in (int, float)

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        value = node.value
        right = type(value) is int or (type(value) is float and not self.whole)
        if not right or not math.isfinite(value):  # type: ignore[arg-type]
            return mismatch(self, node, path, context)
        return value

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"type": "integer" if self.whole else "number"}


class Truth(Struct, frozen=True):
    """True or false."""

    expected: str = "true or false"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return isinstance(node.value, bool)

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if not isinstance(node.value, bool):
            return mismatch(self, node, path, context)
        return node.value

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"type": "boolean"}


class Choice(Struct, frozen=True):
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        """What to write."""
        if len(self.words) == 1:
            return f'"{self.words[0]}"'
        return f"one of {', '.join(self.words)}"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "scalar"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if node.value in self.words:
            return node.value
        hint = near(node.raw, self.words) if node.kind == "scalar" else ""
        return mismatch(self, node, path, context, hint)

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"enum": list(self.words)}
