"""One entry of `publish`: a sink's name and its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from lakecheck import registry
from lakecheck.model import SinkChoice, SinkKind
from lakecheck.spec.nodes import Node, Place, describe, join, near, quote
from lakecheck.spec.records import record_of
from lakecheck.spec.scalar_shapes import VARIABLE
from lakecheck.spec.shapes import INVALID, Context


class SinkContent(Struct, frozen=True):
    """What one entry of `publish` says."""

    sink: str
    options: Any


def sink_kinds() -> dict[str, SinkKind]:
    """The sinks that a spec may name."""
    return {name: registry.load("sinks", name) for name in registry.names("sinks")}


def decode_sink(node: Node, path: str, context: Context) -> Any:
    """Decode an entry of `publish` to a SinkContent."""
    kinds = sink_kinds()
    listed = ", ".join(kinds)
    if node.kind != "map" or len(node.entries) != 1:
        found = "several keys" if node.kind == "map" and node.entries else describe(node)
        message = f"expected a map of one sink to its keys, one of {listed}; found {found}"
        context.faults.add(node.place, path, message)
        return INVALID
    (name, (place, value)), *_ = node.entries.items()
    if name not in kinds:
        hint = near(name, kinds) or "."
        message = f"there is no sink {quote(name)}{hint} Installed: {listed}"
        context.faults.add(place, path, message)
        return INVALID
    options = record_of(kinds[name].options).decode(value, join(path, name), context)
    return INVALID if options is INVALID else SinkContent(name, options)


def build_sinks(
    contents: list[tuple[Place, SinkContent]], variables: Mapping[str, str]
) -> tuple[SinkChoice, ...]:
    """Make the sinks; the second of a sort is named `opensearch-2`, and so on."""
    made: list[SinkChoice] = []
    for place, content in contents:
        earlier = sum(choice.sink == content.sink for choice in made)
        name = f"{content.sink}-{earlier + 1}" if earlier else content.sink
        unset: dict[str, None] = {}
        options = _filled(content.options, variables, unset)
        made.append(SinkChoice(name, content.sink, options, tuple(unset), str(place)))
    return tuple(made)


def _filled(value: Any, variables: Mapping[str, str], unset: dict[str, None]) -> Any:
    """Put environment variables into all texts; those that are not set are noted."""
    if isinstance(value, str):
        for name in VARIABLE.findall(value):
            if not variables.get(name):
                unset[name] = None
        return VARIABLE.sub(lambda match: variables.get(match[1]) or match[0], value)
    if isinstance(value, Struct):
        fields = value.__struct_fields__
        return msgspec.structs.replace(
            value, **{name: _filled(getattr(value, name), variables, unset) for name in fields}
        )
    if isinstance(value, tuple):
        return tuple(_filled(each, variables, unset) for each in value)
    if isinstance(value, dict):
        return {key: _filled(each, variables, unset) for key, each in value.items()}
    return value
