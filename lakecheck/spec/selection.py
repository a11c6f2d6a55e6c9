"""`on:` of a test: an RSE expression."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from lakecheck.spec import expression
from lakecheck.spec.nodes import Node, quote
from lakecheck.spec.scalar_shapes import Text
from lakecheck.spec.shapes import INVALID, Context, Reference, Schema


class ExpressionShape(Struct, frozen=True):
    """An RSE expression, kept as text; the names in it must be declared."""

    expected: str = "an RSE expression, such as '*', DESY-DCACHE or country=FR&tier=1"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "scalar"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        text = Text(self.expected).decode(node, path, context)
        if text is INVALID:
            return INVALID
        try:
            parsed = expression.parse(text)
        except ValueError as error:
            message = f"{quote(text)} is not an RSE expression: {error}"
            context.faults.add(node.place, path, message)
            return INVALID
        context.references.extend(
            Reference("RSE or attribute", name.text, node.place, path)
            for name in parsed.names
            if "*" not in name.text
        )
        return text

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return {"type": "string", "minLength": 1}
