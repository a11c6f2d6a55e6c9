"""What a value of a spec may look like: each shape decodes nodes and gives its JSON Schema."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import UNSET, Struct, field

from lakecheck.spec.nodes import Faults, Node, Place, describe

INVALID: Any = UNSET  # what a faulty node decodes to
Schema = dict[str, Any]


class Reference(Struct, frozen=True):
    """A name in a spec that must be declared elsewhere: of an RSE, a credential, a protocol."""

    noun: str
    name: str
    place: Place
    path: str


class Context(Struct):
    """What decoding gathers, and which rules hold where it is."""

    faults: Faults
    references: list[Reference] = field(default_factory=list)
    takes_variables: bool = False  # whether `${NAME}` may stand here
    secret: bool = False  # values must not be shown in messages

    def found(self, node: Node) -> str:
        """Say what a node is, as far as it may be shown."""
        if self.secret and node.kind == "scalar" and isinstance(node.value, str):
            return "a text"
        return describe(node)


class Shape(Protocol):
    """What a value may look like."""

    @property
    def expected(self) -> str:
        """What to write, such as `a list of sizes`."""

    def accepts(self, node: Node) -> bool:
        """Whether a node is of the outer form, so that its faults should be told."""

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""

    def schema(self) -> Schema:
        """JSON Schema of the values."""


def mismatch(shape: Shape, node: Node, path: str, context: Context, hint: str = "") -> Any:
    """Note that a node is not of the expected form."""
    message = f"expected {shape.expected}, found {context.found(node)}{hint}"
    context.faults.add(node.place, path, message)
    return INVALID
