"""`driver:` of a test or an RSE, and which driver speaks which scheme."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from lakecheck import registry
from lakecheck.model import DriverChoice
from lakecheck.spec.nested_shapes import Anything
from lakecheck.spec.nodes import Node, join, near, quote
from lakecheck.spec.shapes import INVALID, Context, Schema, mismatch

NATIVE = "native"  # each endpoint's own native driver
ANY_SCHEME = "*"


def known() -> tuple[str, ...]:
    """Names that `driver:` takes."""
    return tuple(sorted({*registry.names("drivers"), NATIVE}))


def schemes(name: str) -> tuple[str, ...]:
    """Schemes that an installed driver speaks; none where its library is missing."""
    try:
        found: tuple[str, ...] = registry.load("drivers", name).schemes
    except (ImportError, AttributeError):
        return ()
    return found


def spoken() -> tuple[str, ...]:
    """Schemes that the installed drivers speak, without those that take any."""
    found: dict[str, None] = {}
    for name in _by_use():
        found |= dict.fromkeys(schemes(name))
    found.pop(ANY_SCHEME, None)
    return tuple(found)


def unspoken(wanted: Iterable[str]) -> frozenset[str]:
    """Schemes among those wanted that no driver speaks; imports no more drivers than it must."""
    left = set(wanted)
    for name in _by_use():
        if not left:
            break
        left.difference_update(schemes(name))
    return frozenset(left)


def _by_use() -> list[str]:
    usual = DriverChoice().name
    return sorted(registry.names("drivers"), key=lambda name: (name != usual, name))


def takes_any(name: str) -> bool:
    """Whether a driver takes endpoints of any scheme, as `memory` does."""
    return name in registry.names("drivers") and ANY_SCHEME in schemes(name)


class DriverShape(Struct, frozen=True):
    """A driver's name, or a map of `name` and its own options."""

    expected: str = "a driver's name, or a map of name and options"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind != "list"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        if node.kind == "list":
            return mismatch(self, node, path, context)
        if node.kind == "scalar":
            name = self._name(node, path, context)
            return name if name is INVALID else DriverChoice(name)
        written = node.get("name")
        if written is None:
            context.faults.add(node.place, path, 'the key "name" is missing; expected a driver')
            return INVALID
        name = self._name(written, join(path, "name"), context)
        options = {
            key: Anything().decode(value, join(path, key), context)
            for key, (_, value) in node.entries.items()
            if key != "name"
        }
        return name if name is INVALID else DriverChoice(name, options)

    def _name(self, node: Node, path: str, context: Context) -> Any:
        if not isinstance(node.value, str):
            return mismatch(self, node, path, context)
        names = known()
        if node.value in names:
            return node.value
        hint = near(node.value, names)
        installed = f"{hint or '.'} Installed: {', '.join(names)}"
        message = f"there is no driver {quote(node.value)}{installed}"
        context.faults.add(node.place, path, message)
        return INVALID

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        name = {"enum": list(known())}
        options = {"type": "object", "properties": {"name": name}, "required": ["name"]}
        return {"anyOf": [name, options]}
