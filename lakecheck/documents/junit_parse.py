"""A JUnit file as batches of cases, each with what it inherits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException

from lakecheck.documents.junit_ahead import ahead, name_of
from lakecheck.documents.junit_case import KIND, Batch, Case, Suite, more, pairs
from lakecheck.documents.junit_dialects import labels, moment, suite_name
from lakecheck.documents.junit_stream import CASES, END, PROPERTIES, START, guard, tag, walk


class Malformed(Exception):
    """A file that is no JUnit, or not all of it; says why."""


def parsed(file: IO[bytes]) -> Iterator[list[Batch]]:
    """Give the cases of a file block by block, in order."""
    try:
        guard(file)
        reader = _Reader(file)
        for events in walk(file):
            for event, elements in events:
                reader.take(event, elements)
            yield reader.given()
    except (ParseError, DefusedXmlException, LookupError, ValueError, RecursionError) as error:
        raise Malformed(_why(error)) from None


def _why(error: Exception) -> str:
    if isinstance(error, DefusedXmlException):
        return "it declares XML entities, which JUnit does not need and which are not resolved"
    if "encoding" in str(error) or isinstance(error, LookupError):
        return f"{error}; convert it to UTF-8, for instance with iconv"
    if "no element found" in str(error) or "unclosed" in str(error):
        return f"the file ends too early ({error}); was it cut off?"
    return f"this is no JUnit XML: {error}"


class _Reader:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._ahead = ahead(file)
        self._met = 0
        self._suites: list[Suite] = []
        self._path = [""]  # names of the suites, from the root inwards
        self._batches: list[Batch] = []

    def take(self, event: str, elements: Sequence[Element]) -> None:
        """Note what was met."""
        if event == CASES:
            attributes = [each.attrib for each in elements]
            batch = Batch(self._suites[-1], attributes, [], more(elements))
            self._identify(batch)
            self._batches.append(batch)
        elif event == START:
            self._suites.append(self._suite(elements[0]))
        elif event == END:
            self._suites.pop()
            self._path.pop()
        elif event == PROPERTIES:
            self._suites[-1].properties.update(labels(pairs(elements[0])))

    def given(self) -> list[Batch]:
        """Give, and forget, the cases noted since."""
        found, self._batches = self._batches, []
        return found

    def _identify(self, batch: Batch) -> None:
        """Give each case its identity, and note which are attempts of several."""
        suite = batch.suite
        head, begun = f"{KIND}\0{suite.name}", suite.started or self._content
        keys = [
            f"{head}\0{each.get('classname')}\0{each.get('name')}\0{begun}"
            for each in batch.attributes
        ]
        for position in batch.more:
            if own := moment(batch.attributes[position].get("timestamp") or ""):
                keys[position] = keys[position].removesuffix(begun) + own
        # As `identity` does, whose call would take as long as the digest.
        batch.ids = [blake2b(key.encode(), digest_size=16).hexdigest() for key in keys]
        if suite.run:
            for position, attributes in enumerate(batch.attributes):
                case = batch.more.setdefault(position, Case())
                case.attempt = suite.run
                case.again = self._ahead.retried.get(name_of(attributes), 0) > suite.run

    @cached_property
    def _content(self) -> str:
        """Digest of the file, which tells runs apart where they have no time."""
        digest = blake2b(digest_size=16)
        offset = 0
        while block := os.pread(self._file.fileno(), 2**20, offset):
            digest.update(block)
            offset += len(block)
        return digest.hexdigest()

    def _suite(self, element: Element) -> Suite:
        above = self._suites[-1] if self._suites else Suite()
        name, run = suite_name(element)
        full = "/".join(part for part in (self._path[-1], name) if part)
        # The name of <testsuites> is that of the tool, or of the project.
        self._path.append("" if tag(element) == "testsuites" else full)
        late = self._ahead.properties.get(self._met, {})
        self._met += 1
        return Suite(
            full or above.name,
            moment(element.get("timestamp") or "") or above.started,
            element.get("hostname") or above.host,
            run or above.run,
            above.properties | labels(late),
        )
