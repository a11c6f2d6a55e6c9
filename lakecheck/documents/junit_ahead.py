"""What a JUnit file tells of its cases only after them, found out before they are read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import IO
from xml.etree.ElementTree import ParseError

from msgspec import Struct, field

from lakecheck.documents.junit_case import pairs
from lakecheck.documents.junit_dialects import suite_name
from lakecheck.documents.junit_stream import END, PROPERTIES, START, walk

_BLOCK = 2**20
_BEFORE = 1024  # bytes in which the tag before `<properties` begins
_PROPERTIES = b"<properties"
_REFRAME = b'package="reframe"'
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # in UTF-16 the bytes are not those looked for

Name = tuple[str, str]  # class, name


class Ahead(Struct):
    """Properties by number of the suite; the last run of ReFrame's cases that were retried."""

    properties: dict[int, dict[str, str]] = field(default_factory=dict)
    retried: dict[Name, int] = field(default_factory=dict)


class _Open(Struct):
    number: int
    run: int
    begun: bool = False  # something was met in it


def ahead(file: IO[bytes]) -> Ahead:
    """Read a file to its end where it may hold such things, and rewind."""
    found = Ahead()
    if _may_hold(file):
        file.seek(0)
        # What is wrong is told by whoever reads the cases, after them.
        with suppress(ParseError, LookupError, ValueError, RecursionError):
            found = _collected(file)
    file.seek(0)
    return found


def _name(attributes: Mapping[str, str]) -> Name:
    """Class and name of a case."""
    return attributes.get("classname", "").strip(), attributes.get("name", "").strip()


def _may_hold(file: IO[bytes]) -> bool:
    """Whether properties may follow something, as Robot Framework's do, or ReFrame wrote it."""
    rest = b""
    while block := file.read(_BLOCK):
        window = rest + block
        if window.startswith(_WIDE) or b"\0" in window[:4] or _REFRAME in window:
            return True
        at = window.find(_PROPERTIES, max(0, len(rest) - len(_PROPERTIES) + 1))
        while at >= 0:
            before = window[max(0, at - _BEFORE) : at].rstrip()
            last = before[before.rfind(b"<") :]
            if last[:2] == b"</" or last[:1] != b"<" or last.endswith((b"/>", b"-->")):
                return True
            at = window.find(_PROPERTIES, at + 1)
        rest = window[-_BEFORE - len(_PROPERTIES) :]
    return False


def _collected(file: IO[bytes]) -> Ahead:
    found = Ahead()
    runs: dict[int, set[Name]] = {}
    suites: list[_Open] = []
    met = 0
    for events in walk(file):
        for event, elements in events:
            if event == END:
                suites.pop()
            elif event == PROPERTIES:
                if suites[-1].begun:
                    number = suites[-1].number
                    found.properties.setdefault(number, {}).update(pairs(elements[0]))
            else:
                if suites:
                    suites[-1].begun = True
                if event == START:
                    suites.append(_Open(met, suite_name(elements[0])[1]))
                    met += 1
                elif suites[-1].run:
                    names = runs.setdefault(suites[-1].run, set())
                    names.update(_name(each.attrib) for each in elements)
    found.retried = _retried(runs)
    return found


def _retried(runs: dict[int, set[Name]]) -> dict[Name, int]:
    # `--max-retries` runs again what failed, `--reruns` everything, and then each run counts.
    if runs.get(1, set()) <= runs.get(2, set()):
        return {}
    return {name: run for run, names in sorted(runs.items()) if run > 1 for name in names}
