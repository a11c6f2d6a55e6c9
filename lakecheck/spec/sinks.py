"""One entry of `publish` or `consume`: the name of a sink or source, and its keys."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from lakecheck import registry
from lakecheck.errors import Fault, SpecError
from lakecheck.model import SinkChoice
from lakecheck.spec.nodes import Node, Place, describe, join, near, quote
from lakecheck.spec.records import record_of
from lakecheck.spec.scalar_shapes import VARIABLE
from lakecheck.spec.shapes import INVALID, Context

Section = Literal["publish", "consume"]
GROUPS: dict[Section, str] = {"publish": "sinks", "consume": "sources"}
# Keys whose values are paths; relative ones are relative to the spec.
SQLITE = re.compile(r"sqlite:///([^/:?][^?]*)")  # with a relative path
PATHS = ("path", "ca", "certificate", "key")


class SinkContent(Struct, frozen=True):
    """What one entry of `publish` or `consume` says."""

    sink: str
    options: Any


def sink_kinds(section: Section) -> dict[str, Any]:
    """The sinks or sources that a spec may name."""
    group = GROUPS[section]
    return {name: registry.load(group, name) for name in registry.names(group)}


def decode_sink(section: Section, node: Node, path: str, context: Context) -> Any:
    """Decode an entry to a SinkContent."""
    kinds = sink_kinds(section)
    noun = GROUPS[section].removesuffix("s")
    listed = ", ".join(kinds)
    if node.kind != "map" or len(node.entries) != 1:
        found = "several keys" if node.kind == "map" and node.entries else describe(node)
        message = f"expected a map of one {noun} to its keys, one of {listed}; found {found}"
        context.faults.add(node.place, path, message)
        return INVALID
    (name, (place, value)), *_ = node.entries.items()
    if name not in kinds:
        hint = near(name, kinds) or "."
        message = f"there is no {noun} {quote(name)}{hint} Installed: {listed}"
        context.faults.add(place, path, message)
        return INVALID
    options = record_of(kinds[name].options).decode(value, join(path, name), context)
    return INVALID if options is INVALID else SinkContent(name, options)


def build_sinks(
    contents: list[tuple[Place, Path, SinkContent]], variables: Mapping[str, str]
) -> tuple[SinkChoice, ...]:
    """Make the sinks; the second of a sort is named `opensearch-2`, and so on; SpecError."""
    made: list[SinkChoice] = []
    for place, folder, content in contents:
        earlier = sum(choice.sink == content.sink for choice in made)
        name = f"{content.sink}-{earlier + 1}" if earlier else content.sink
        unset: dict[str, None] = {}
        options = _with_paths(content.options, folder)
        try:
            options = _filled(options, variables, unset)
        except ValueError as error:  # that a value from the environment is wrong is seen now
            fault = Fault(place.file, place.line, place.column, f"{content.sink}: {error}")
            raise SpecError([fault]) from None
        made.append(SinkChoice(name, content.sink, options, tuple(unset), str(place)))
    return tuple(made)


def _with_paths(options: Any, folder: Path) -> Any:
    changed = {}
    for name in PATHS:
        text = getattr(options, name, "")
        # What comes from the environment was meant from where the user stands.
        if isinstance(text, str) and text and not VARIABLE.search(text):
            changed[name] = os.path.abspath(folder / os.path.expanduser(text))
    url = getattr(options, "url", "")
    if isinstance(url, str) and (found := SQLITE.fullmatch(url)) and "$" not in url:
        changed["url"] = f"sqlite:///{os.path.abspath(folder / found[1])}"
    return msgspec.structs.replace(options, **changed)


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
