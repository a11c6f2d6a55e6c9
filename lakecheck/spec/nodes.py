"""The nodes of a YAML file, each with its place, and the faults found in them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from lakecheck.errors import Fault
from lakecheck.spec.scalars import Plain

LONGEST_QUOTE = 60
MOST_FAULTS = 1000
PLAIN_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


class Place(NamedTuple):
    """Where something stands; line and column count from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Give `file:line`."""
        return f"{self.file}:{self.line}"


class Node:
    """One value of a YAML file; `raw` is a scalar as written, `weight` its nodes with aliases."""

    __slots__ = ("entries", "items", "kind", "place", "raw", "value", "weight")

    def __init__(self, kind: Literal["scalar", "list", "map"], place: Place) -> None:
        self.kind = kind
        self.place = place
        self.value: Plain = None
        self.raw = ""
        self.items: list[Node] = []
        self.entries: dict[str, tuple[Place, Node]] = {}  # key: place of the key, value
        self.weight = 1

    def get(self, key: str) -> Node | None:
        """Give the value of a key of a map, None where there is none."""
        found = self.entries.get(key)
        return found[1] if found else None


class TooManyFaults(Exception):
    """Nobody reads on; the last fault says so."""


class Faults:
    """All faults of a load, as they are found; TooManyFaults ends it."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, place: Place, path: str, message: str) -> None:
        """Note a fault at a place; `path` is the dotted path of what it speaks of."""
        text = printable(f"{path}: {message}" if path else message)
        self.found.append(Fault(place.file, place.line, place.column, text))
        if len(self.found) >= MOST_FAULTS:
            rest = f"and more: after {MOST_FAULTS} faults reading ends"
            self.found.append(Fault(place.file, place.line, place.column, rest))
            raise TooManyFaults


def join(path: str, key: str | int) -> str:
    """Extend a dotted path by a key, or by the position in a list."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    word = key if PLAIN_KEY.fullmatch(key) else quote(key)
    return f"{path}.{word}" if path else word


def printable(text: str) -> str:
    """Escape what a terminal would act on rather than show."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def masked(text: str) -> str:
    """Take user names and passwords out of URLs."""
    return re.sub(r"//[^/@\s]+@", "//***@", text)


def quote(text: str) -> str:
    """Put a text in double quotes, on one line, cut where it is long."""
    shown = masked(text)
    cut = shown if len(shown) <= LONGEST_QUOTE else shown[: LONGEST_QUOTE - 1] + "…"
    return json.dumps(cut, ensure_ascii=False)


def describe(node: Node) -> str:
    """Say what a value is: `"davs"`, `100`, `true`, `nothing`, `a list`, `a map`."""
    if node.kind != "scalar":
        return f"a {node.kind}"
    if node.value is None:
        return "nothing"
    return quote(node.value) if isinstance(node.value, str) else node.raw


def near(word: str, known: Iterable[str]) -> str:
    """Give `; did you mean "…"?` where a known word is close, else nothing."""
    words = list(known)
    lower = {name.lower(): name for name in words}
    found = difflib.get_close_matches(word[:100], words, n=1) or [
        lower[name] for name in difflib.get_close_matches(word[:100].lower(), lower, n=1)
    ]
    return f'; did you mean "{found[0]}"?' if found else ""
