"""JUnit XML as a stream of its suites and cases, whatever the size of the file.

expat and the tree are C; what has been read of the tree is taken off it after every block. The
parser that guards against entities is slow, but they can be declared only before the root: it
reads that far, and the quick one all of it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import IO
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from defusedxml.ElementTree import DefusedXMLParser

SUITES = ("testsuites", "testsuite")
BLOCK = 2**15  # bytes; the tree of a larger one no longer fits the processor's cache
# What is met: a suite's beginning and end; its properties, and one after the other its cases.
START, END, PROPERTIES, CASES = "start", "end", "properties", "cases"

_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)")

Event = tuple[str, Sequence[Element]]


class _Begun(Exception):
    """The root was met."""


class _UntilRoot:
    def start(self, name: str, _: dict[str, str]) -> None:
        raise _Begun(name.rpartition("}")[2])

    def close(self) -> None: ...


def guard(file: IO[bytes]) -> None:
    """Read until the root and rewind.

    Raises what the parser does, DefusedXmlException where entities are declared, ValueError where
    the root is not JUnit's.
    """
    parser = DefusedXMLParser(target=_UntilRoot(), encoding=_encoding(file))
    try:
        while block := file.read(BLOCK):
            parser.feed(block)
        parser.close()
    except _Begun as begun:
        if begun.args[0] not in SUITES:
            told = f"its root is <{begun.args[0]}>, not <testsuites> or <testsuite>"
            raise ValueError(told) from None
    file.seek(0)


def walk(file: IO[bytes]) -> Iterator[list[Event]]:
    """Give what is met in each block of a file that `guard` has seen, in order."""
    builder = TreeBuilder()
    parser = XMLParser(target=builder, encoding=_encoding(file))
    growing = _Growing()
    try:
        while block := file.read(BLOCK):
            parser.feed(block)
            # In C this closes nothing: it only gives the root.
            yield growing.take(builder.close(), closed=False)
        root = parser.close()
    except ParseError:
        yield growing.take(builder.close(), closed=False)
        raise
    yield growing.take(root, closed=True)


def _encoding(file: IO[bytes]) -> str | None:
    """Give UTF-8 where a file calls it by a name that expat does not know.

    ReFrame's is `utf8`, which expat takes for an encoding of single bytes.
    """
    declared = _DECLARED.match(file.read(128))
    file.seek(0)
    try:
        known = codecs.lookup(declared[1].decode()).name if declared else ""
    except LookupError:
        return None
    return known if known == "utf-8" else None


class _Growing:
    """A tree that the parser adds to at its end, and that is taken off at its beginning."""

    def __init__(self) -> None:
        self._open: list[Element] = []  # suites whose beginning was given, from the root inwards

    def take(self, root: Element | None, *, closed: bool) -> list[Event]:
        """Give what is whole."""
        events: list[Event] = []
        if root is not None:
            self._suite(root, 0, closed, events)
        return events

    def _suite(self, suite: Element, depth: int, closed: bool, events: list[Event]) -> None:
        if depth == len(self._open):
            self._open.append(suite)
            events.append((START, [suite]))
        whole = len(suite) if closed else len(suite) - 1  # the last child may still grow
        if whole > 0:
            self._children(suite[:whole], depth + 1, events)
            del suite[:whole]
        if closed:
            self._open.pop()
            events.append((END, [suite]))
        elif len(suite) and tag(suite[0]) in SUITES:
            self._suite(suite[0], depth + 1, False, events)

    def _children(self, whole: list[Element], depth: int, events: list[Event]) -> None:
        if {each.tag for each in whole} == {"testcase"}:
            events.append((CASES, whole))
            return
        for name, found in groupby(whole, tag):
            if name == "testcase":
                events.append((CASES, list(found)))
            elif name == "properties":
                events += ((PROPERTIES, [each]) for each in found)
            elif name in SUITES:
                for each in found:
                    self._suite(each, depth, True, events)


def tag(element: Element) -> str:
    """Name of an element without its namespace."""
    name = element.tag
    return name.rpartition("}")[2] if name[0] == "{" else name
