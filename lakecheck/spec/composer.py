"""YAML text → nodes with places: bounded in depth and size, duplicate keys found."""

from __future__ import annotations

from typing import Any

import yaml

from lakecheck.spec.nodes import Faults, Node, Place, join, quote
from lakecheck.spec.scalars import resolve
from lakecheck.spec.syntax import explain

MOST_NODES = 250_000
DEEPEST = 40

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_TAGS = ("!", "!!str", "tag:yaml.org,2002:str")


class Unreadable(Exception):
    """The file cannot be understood any further; the fault is noted already."""


def compose(text: str, file: str, faults: Faults) -> Node | None:
    """Give the root of the one document in a text; None where there is none."""
    composer = _Composer(file, faults)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        faults.add(_place(error, file), "", explain(error, text))
        raise Unreadable from error
    except yaml.YAMLError as error:  # a reader's error: a character that YAML forbids
        faults.add(Place(file), "", f"this is not a text file: {str(error).splitlines()[0]}")
        raise Unreadable from error
    return composer.root


def _place(error: yaml.MarkedYAMLError, file: str) -> Place:
    marks: list[Any] = [error.problem_mark, error.context_mark]
    for mark in filter(None, marks):
        return Place(file, mark.line + 1, mark.column + 1)
    return Place(file)


class _Frame:
    """A list or map that is still open; `key` waits for its value."""

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: Node | None = None


class _Composer:
    """Builds nodes from the events of PyYAML's parser, which itself never recurses."""

    def __init__(self, file: str, faults: Faults) -> None:
        self.file = file
        self.faults = faults
        self.root: Node | None = None
        self.documents = 0
        self.stack: list[_Frame] = []
        self.anchors: dict[str, Node | None] = {}  # None: still open
        self.count = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        mark: Any = event.start_mark
        place = Place(self.file, mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.ScalarEvent):
            self.scalar(event, place)
        elif isinstance(event, yaml.AliasEvent):
            self.alias(str(event.anchor), place)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            self.open(event, place)
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            frame = self.stack.pop()
            if frame.anchor:
                self.anchors[frame.anchor] = frame.node
            self.attach(frame.node)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.fail(place, "a spec file holds one YAML document; here a second one begins")

    def scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        """Begin and end a scalar."""
        node = Node("scalar", place)
        node.raw = event.value
        self.refuse_tag(event.tag, place)
        plain = event.implicit[0] and not event.tag
        node.value = resolve(event.value) if plain else event.value
        self.grow(1, place)
        if event.anchor:
            self.anchors[event.anchor] = node
        self.attach(node)

    def open(self, event: yaml.CollectionStartEvent, place: Place) -> None:
        """Begin a list or a map."""
        node = Node("map" if isinstance(event, yaml.MappingStartEvent) else "list", place)
        self.refuse_tag(event.tag, place)
        self.grow(1, place)
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Frame(node, event.anchor))
        if len(self.stack) > DEEPEST:
            self.fail(place, f"nested more than {DEEPEST} levels deep")

    def alias(self, name: str, place: Place) -> None:
        """Repeat what an anchor names."""
        if name not in self.anchors:
            self.fail(
                place,
                f'"*{name}" is an alias of an anchor that does not exist; '
                f"an RSE expression that begins with * stands in quotes: '*{name}'",
            )
        node = self.anchors[name]
        if node is None:
            self.fail(place, f'the alias "*{name}" stands inside of what it repeats')
            return
        self.grow(node.weight, place)
        self.attach(node)

    def attach(self, node: Node) -> None:
        """Put a finished node where it belongs."""
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        frame.node.weight += node.weight
        if frame.node.kind == "list":
            frame.node.items.append(node)
        elif frame.key is None:
            frame.key = node
        else:
            self.entry(frame.node, frame.key, node)
            frame.key = None

    def entry(self, into: Node, key: Node, value: Node) -> None:
        """Put a key and its value into a map."""
        if key.kind != "scalar":
            self.faults.add(key.place, self.path(), f"a key is a word; found a {key.kind}")
        elif key.raw in into.entries:
            message = f"duplicate key {quote(key.raw)}; first in {into.entries[key.raw][0]}"
            self.faults.add(key.place, self.path(), message)
        else:
            into.entries[key.raw] = (key.place, value)

    def path(self) -> str:
        """Dotted path of the innermost open list or map."""
        path = ""
        for frame in self.stack[:-1]:
            key = frame.key.raw if frame.key else len(frame.node.items)
            path = join(path, key)
        return path

    def refuse_tag(self, tag: str | None, place: Place) -> None:
        """Note a tag that is not for text."""
        if tag is not None and tag not in _TEXT_TAGS:
            short = tag.replace("tag:yaml.org,2002:", "!!")
            self.faults.add(place, "", f"the YAML tag {quote(short)} means nothing in a spec")

    def grow(self, count: int, place: Place) -> None:
        """Count nodes, those that aliases repeat too."""
        self.count += count
        if self.count > MOST_NODES:
            self.fail(place, f"more than {MOST_NODES:,} values, counting what aliases (*) repeat")

    def fail(self, place: Place, message: str) -> None:
        """Note a fault after which nothing can be understood."""
        self.faults.add(place, "", message)
        raise Unreadable(message)
