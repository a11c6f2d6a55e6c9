"""A JUnit file as batches of cases, each with what it inherits."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import IO
from xml.etree.ElementTree import Element, ParseError
from xml.parsers.expat.errors import XML_ERROR_INVALID_TOKEN, codes

from defusedxml import DefusedXmlException

from lakecheck.documents.junit_ahead import ahead
from lakecheck.documents.junit_case import KIND, Batch, Case, Suite, columns, more, pairs
from lakecheck.documents.junit_control import cure
from lakecheck.documents.junit_dialects import durations, labels, moment, suite_name
from lakecheck.documents.junit_stream import CASES, END, PROPERTIES, START, guard, tag, walk

INVALID_TOKEN = codes[XML_ERROR_INVALID_TOKEN]


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
        raise Malformed(_why(error, file)) from None


def _why(error: Exception, file: IO[bytes]) -> str:
    if isinstance(error, DefusedXmlException):
        return "it declares XML entities, which JUnit does not need and which are not resolved"
    if "encoding" in str(error) or isinstance(error, LookupError):
        return f"{error}; convert it to UTF-8, for instance with iconv"
    if "no element found" in str(error) or "unclosed" in str(error):
        return f"the file ends too early ({error}); was it cut off?"
    if isinstance(error, ParseError) and error.code == INVALID_TOKEN:
        told = cure(file, error.position[0])
        return f"this is no JUnit XML: {told or error}"
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
            self._batches.append(self._batch(elements))
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

    def _batch(self, elements: Sequence[Element]) -> Batch:
        suite = self._suites[-1]
        classes, names, times = columns([each.attrib for each in elements])
        if "" in classes:
            classes = [each or suite.name for each in classes]
        cases = more(elements)
        if suite.run:
            for position, name in enumerate(zip(classes, names, strict=True)):
                case = cases.setdefault(position, Case())
                case.attempt = suite.run
                case.again = self._ahead.retried.get(name, 0) > suite.run
        return Batch(
            suite, self._ids(classes, names, cases), classes, names, durations(times), cases
        )

    def _ids(
        self, classes: Sequence[str], names: Sequence[str], cases: Mapping[int, Case]
    ) -> list[str]:
        """Digests of suite, class, name and time of each case."""
        suite = self._suites[-1]
        head, begun = f"{KIND}\0{suite.name}", suite.started or self._content
        keys = [
            f"{head}\0{classname}\0{name}\0{begun}"
            for classname, name in zip(classes, names, strict=True)
        ]
        for position, case in cases.items():
            if own := moment(case.attributes.get("timestamp") or ""):
                keys[position] = f"{head}\0{classes[position]}\0{names[position]}\0{own}"
        # As `identity` does, whose call would take as long as the digest.
        return [blake2b(key.encode(), digest_size=16).hexdigest() for key in keys]

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
