"""JUnit XML → documents: lakecheck's own without loss, other tools' in the same schema.

Files are read as a stream, whatever their size; what refers to anything outside is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse
from msgspec import Struct

from lakecheck.documents.junit_foreign import Inherited, documents, tag
from lakecheck.documents.junit_value import decoded
from lakecheck.documents.redact import Redactor
from lakecheck.documents.result import Document
from lakecheck.errors import JournalError

SUITES = ("testsuites", "testsuite")
OWN = ("_id", "document", "version")  # properties that only lakecheck's own cases have


class Suite(Struct):
    """What the cases of a suite inherit."""

    name: str
    started: str
    host: str
    properties: dict[str, str]


def read_junit(path: Path) -> Iterator[Document]:
    """Give the documents of a JUnit file, in order.

    JournalError where it is no JUnit, is cut off, or names entities or an unknown encoding; what
    was read until then has been given.
    """
    modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    with path.open("rb") as file:
        try:
            yield from _Reader(path.stem, modified).read(file)
        except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
            raise JournalError(f"{path}: {_told(error)}") from None


def _told(error: Exception) -> str:
    if isinstance(error, DefusedXmlException):
        return "it declares XML entities, which JUnit does not need and which are not resolved"
    if "unknown encoding" in str(error) or isinstance(error, LookupError):
        return f"{error}; convert it to UTF-8, for instance with iconv"
    if "no element found" in str(error) or "unclosed" in str(error):
        return f"the file ends too early ({error}); was it cut off?"
    return f"this is no JUnit XML: {error}"


class _Reader:
    """Reads one file; no more of it is in memory than the present case and its suites."""

    def __init__(self, file: str, modified: datetime) -> None:
        self._file = file
        self._modified = modified
        self._redactor = Redactor()
        self._suites: list[Suite] = []

    def read(self, file: IO[bytes]) -> Iterator[Document]:
        path: list[Element] = []
        for event, element in iterparse(file, events=("start", "end")):
            name = tag(element)
            if event == "start":
                if not path and name not in SUITES:
                    raise ValueError(f"its root is <{name}>, not <testsuites> or <testsuite>")
                path.append(element)
                if name in SUITES:
                    self._suites.append(self._suite(element))
                continue
            path.pop()
            above = path[-1] if path else None
            if name == "testcase":
                yield from self._case(element)
            elif name in SUITES:
                self._suites.pop()
            elif name == "properties" and above is not None and tag(above) in SUITES:
                self._suites[-1].properties.update(_properties(element))
            if above is not None and tag(above) in SUITES:
                above.remove(element)  # or memory would grow with the file

    def _suite(self, element: Element) -> Suite:
        above = self._suites[-1] if self._suites else Suite("", "", "", {})
        # The root's name is that of the tool, or of the project.
        outer = above.name if len(self._suites) > 1 else ""
        return Suite(
            "/".join(part for part in (outer, element.get("name") or "") if part) or above.name,
            element.get("timestamp") or above.started,
            element.get("hostname") or above.host,
            dict(above.properties),
        )

    def _case(self, element: Element) -> Iterator[Document]:
        own = next((each for each in element if tag(each) == "properties"), None)
        properties = _properties(own)
        if all(name in properties for name in OWN):
            yield {name: decoded(text) for name, text in properties.items()}
            return
        suite = self._suites[-1]
        above = Inherited(suite.name, suite.started, suite.host, self._file, self._modified)
        labels = suite.properties | properties
        yield from documents(element, above, labels, self._redactor.text)


def _properties(element: Element | None) -> dict[str, str]:
    found = {}
    for one in element if element is not None else ():
        value = one.get("value")
        found[one.get("name") or ""] = value if value is not None else (one.text or "").strip()
    return found


def looks_like_xml(path: Path) -> bool:
    """Whether a file begins as XML does, in any encoding."""
    with path.open("rb") as file:
        start = file.read(64)
    return start.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] == b"<"
