"""Suites and cases of a JUnit file as plain values, which one process can hand to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any
from xml.etree.ElementTree import Element

from msgspec import Struct

from lakecheck.documents.junit_stream import tag

KIND = "junit"  # of the documents
COLUMNS = ("classname", "name", "time")  # attributes that most tools write
ALWAYS = frozenset(COLUMNS)
_COLUMNS = itemgetter(*COLUMNS)
OWN = ("_id", "document", "version")  # properties that only lakecheck's own cases have
PRINTED = ("system-out", "system-err")


class Suite(Struct, array_like=True):
    """What the cases of a suite inherit."""

    name: str = ""
    started: str = ""
    host: str = ""
    run: int = 0  # of ReFrame, which has a suite for each
    properties: dict[str, str] = {}


class Part(Struct, array_like=True, gc=False):
    """A failure, a skip, or what was printed."""

    name: str
    message: str
    type: str
    text: str
    output: str  # what the attempt that it tells of printed


class Case(Struct, array_like=True, gc=False):
    """What one case has beyond the columns; of lakecheck's own, the properties are everything."""

    attributes: dict[str, str] = {}
    properties: dict[str, str] = {}
    parts: tuple[Part, ...] = ()
    attempt: int = 1
    again: bool = False  # a later attempt follows
    own: bool = False


class Batch(Struct, array_like=True):
    """Some cases of a suite, in order: in columns, since most have nothing beyond them."""

    suite: Suite
    ids: list[str]  # of their documents
    classes: list[str]
    names: list[str]
    durations: Sequence[float | None]  # in seconds
    more: dict[int, Case]  # by position, of cases that are not as plain as that


def columns(attributes: Sequence[Mapping[str, str]]) -> tuple[list[str], list[str], list[str]]:
    """Give classes, names and times, "" where there is none."""
    try:
        rows = list(map(_COLUMNS, attributes))
    except KeyError:
        rows = [tuple(each.get(name, "") for name in COLUMNS) for each in attributes]
    classes, names, times = zip(*rows, strict=True)
    return list(map(str.strip, classes)), list(map(str.strip, names)), list(times)


def more(elements: Sequence[Element]) -> dict[int, Case]:
    """Read what cases have beyond class, name and time, by position."""
    return {
        position: case(element)
        for position, element in enumerate(elements)
        if len(element) or not ALWAYS.issuperset(element.attrib)
    }


def case(element: Element) -> Case:
    """Read one case's children."""
    properties: dict[str, str] = {}
    others: list[tuple[str, Element]] = []
    for child in element:
        name = tag(child)
        if name == "properties":
            properties.update(pairs(child))
        else:
            others.append((name, child))
    if is_own(properties):
        return Case({}, properties, own=True)
    return Case(element.attrib, properties, tuple(_part(name, child) for name, child in others))


def is_own(properties: Mapping[str, Any]) -> bool:
    """Whether they are those of a case that lakecheck wrote."""
    return all(map(properties.__contains__, OWN))


def pairs(properties: Element) -> dict[str, str]:
    """Read properties; a value is an attribute, or the text of the element."""
    try:
        return {each.attrib["name"]: each.attrib["value"] for each in properties}
    except KeyError:
        return {
            each.get("name") or "": each.get("value") or (each.text or "").strip()
            for each in properties
        }


def _part(name: str, element: Element) -> Part:
    # Surefire's repeated attempts have elements of their own for these.
    trace = _texts(element, ("stackTrace",)) if len(element) else ""
    return Part(
        name,
        (element.get("message") or "").strip(),
        (element.get("type") or "").strip(),
        (element.text or "").strip() or trace,
        _texts(element, PRINTED) if len(element) else "",
    )


def _texts(element: Element, names: Iterable[str]) -> str:
    texts = ((child.text or "").strip() for child in element if tag(child) in names)
    return "\n".join(text for text in texts if text)
