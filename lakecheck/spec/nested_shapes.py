"""Shapes of lists and maps, of several shapes to choose from, and of whatever one likes."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from lakecheck.spec.nodes import Faults, Node, Place, join, masked, near, quote
from lakecheck.spec.scalar_shapes import Choice
from lakecheck.spec.shapes import INVALID, Context, Schema, Shape, mismatch


class Anything(Struct, frozen=True):
    """Any value, as plain lists, maps and scalars: the options of a driver."""

    expected: str = "a value"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return True

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if node.kind == "list":
            return [self.decode(item, path, context) for item in node.items]
        if node.kind == "map":
            return {key: self.decode(value, path, context) for key, (_, value) in _pairs(node)}
        return node.value

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {}


class ListOf(Struct, frozen=True):
    """A list of values of one shape, none twice."""

    item: Shape
    least: int = 0

    @property
    def expected(self) -> str:
        """What to write."""
        return f"a list{of_many(self.item.expected)}"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "list"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if node.kind != "list":
            hint = f"; write [{masked(node.raw)}]" if node.raw and not context.secret else ""
            return mismatch(self, node, path, context, hint)
        if len(node.items) < self.least:
            context.faults.add(node.place, path, f"expected {self.expected}; the list is empty")
            return INVALID
        values = [
            self.item.decode(item, join(path, number), context)
            for number, item in enumerate(node.items)
        ]
        if any(value is INVALID for value in values):
            return INVALID
        return tuple(values) if self._once(node, values, path, context) else INVALID

    def _once(self, node: Node, values: list[Any], path: str, context: Context) -> bool:
        seen: set[Any] = set()
        for number, (item, value) in enumerate(zip(node.items, values, strict=True)):
            try:
                again = value in seen
                seen.add(value)
            except TypeError:  # a map: not to be compared
                continue
            if again:
                message = f"{context.found(item)} stands in this list twice"
                context.faults.add(item.place, join(path, number), message)
                return False
        return True

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        found: Schema = {"type": "array", "items": self.item.schema(), "uniqueItems": True}
        return found | ({"minItems": self.least} if self.least else {})


class MapOf(Struct, frozen=True):
    """A map from keys of one shape to values of one shape."""

    key: Shape
    value: Shape

    @property
    def expected(self) -> str:
        """What to write."""
        if isinstance(self.key, Choice):
            return f"a map of {', '.join(self.key.words)} to {self.value.expected}"
        return f"a map{of_many(self.key.expected)} to {many(self.value.expected)}"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "map"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if node.kind != "map":
            return mismatch(self, node, path, context)
        if isinstance(self.key, Choice) and not node.entries:
            return mismatch(self, node, path, context, " without keys")
        decoded: dict[Any, Any] = {}
        sound = True
        for raw, (place, value) in _pairs(node):
            key = self.key.decode(_key_node(raw, place), path, context)
            content = self.value.decode(value, join(path, raw), context)
            if key in decoded:
                context.faults.add(place, path, f"{quote(raw)} stands in this map twice")
                sound = False
            elif key is INVALID or content is INVALID:
                sound = False
            else:
                decoded[key] = content
        return decoded if sound else INVALID

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        names = self.key.schema()
        found: Schema = {"type": "object", "additionalProperties": self.value.schema()}
        return found | ({"propertyNames": names} if names != {"type": "string"} else {})


class OneOf(Struct, frozen=True):
    """Any of several shapes; the first one that fits the outer form decodes."""

    shapes: tuple[Shape, ...]

    @property
    def expected(self) -> str:
        """What to write."""
        return ", or ".join(shape.expected for shape in self.shapes)

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return any(shape.accepts(node) for shape in self.shapes)

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        fitting = [shape for shape in self.shapes if shape.accepts(node)]
        if not fitting:
            lists = node.raw and any(isinstance(shape, ListOf) for shape in self.shapes)
            hint = f"; write [{masked(node.raw)}]" if lists and not context.secret else ""
            return mismatch(self, node, path, context, hint)
        for shape in fitting[:-1]:
            trial = Context(Faults(), takes_variables=context.takes_variables)
            value = shape.decode(node, path, trial)
            if value is not INVALID:
                context.references.extend(trial.references)
                return value
        last = fitting[-1]
        if isinstance(last, Choice) and node.value not in last.words:
            return mismatch(self, node, path, context, near(node.raw, last.words))
        return last.decode(node, path, context)

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"anyOf": [shape.schema() for shape in self.shapes]}


class Described(Struct, frozen=True):
    """A shape with a sentence for people and editors."""

    shape: Shape
    description: str

    @property
    def expected(self) -> str:
        """What to write."""
        return self.shape.expected

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return self.shape.accepts(node)

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        return self.shape.decode(node, path, context)

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"description": self.description, **self.shape.schema()}


def many(expected: str) -> str:
    """Put what is expected into the plural where it is one word: `sizes` for `a size`."""
    word = expected.removeprefix("a ")
    return f"{word}s" if word.isalpha() and word != expected else expected


def of_many(expected: str) -> str:
    """Say what a list or map holds: ` of sizes`, or `, each one of pull, push`."""
    plural = many(expected)
    return f" of {plural}" if plural != expected else f", each {expected}"


def _pairs(node: Node) -> list[tuple[str, tuple[Place, Node]]]:
    return list(node.entries.items())


def _key_node(raw: str, place: Place) -> Node:
    node = Node("scalar", place)
    node.value = node.raw = raw
    return node
