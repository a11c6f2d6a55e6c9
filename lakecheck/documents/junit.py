"""Documents as JUnit XML: one test case a check, every document field a property.

Written as text, suite by suite: a run of 50,000 checks has two million properties, and building
them as objects would take longer than the run itself.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any, cast

from msgspec import Struct, field

from lakecheck.documents.junit_parts import GITLAB, Parts
from lakecheck.documents.junit_repeats import Repeats
from lakecheck.documents.junit_value import UNWRITABLE, encoded

_DROPPED: dict[int, str | None] = dict.fromkeys(UNWRITABLE)
_TEXT = _DROPPED | {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
_ATTRIBUTE = _TEXT | {ord('"'): "&quot;", 9: "&#9;", 10: "&#10;", 13: "&#13;"}
_SPECIAL = re.compile("[" + re.escape("".join(map(chr, _ATTRIBUTE))) + "]")
_OUTCOMES = {"failed": "failure", "error": "error", "not_run": "error"}  # the others: skipped
_HELD = 2**20  # bytes of one suite
_SUITE_END = b"</testsuite>\n"


def address(document: Mapping[str, Any]) -> str:
    """`TEST::CASE.CHECK` of a result document."""
    return f"{document['test']}::{document['case']}.{document['check']}"


def name(document: Mapping[str, Any]) -> str:
    """Name of its test case: the address, with the number of an attempt that was repeated."""
    if document.get("document") == "attempt":
        return f"{address(document)} (attempt {document.get('attempt', 1)})"
    return address(document)


def properties(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every field as a pair of texts, from which `read_junit` makes the document again."""
    for name, value in document.items():
        yield name, encoded(value)


def _attribute(text: str) -> str:
    # Few texts hold such a character, and searching is quicker than translating.
    return text.translate(_ATTRIBUTE) if _SPECIAL.search(text) else text


_field = cache(_attribute)  # few fields, in every case


class _Counts(Struct):
    tests: int = 0
    failure: int = 0
    error: int = 0
    skipped: int = 0
    time: float = 0.0

    def add(self, outcome: str, seconds: float) -> None:
        self.tests += 1
        self.time += seconds
        if outcome:
            setattr(self, outcome, getattr(self, outcome) + 1)

    def __str__(self) -> str:
        return (
            f'tests="{self.tests}" failures="{self.failure}" errors="{self.error}" '
            f'skipped="{self.skipped}" time="{self.time:.3f}"'
        )


class _Suite(Struct):
    """The cases of one test, spooled until their number is known."""

    head: str
    spool: IO[bytes]
    counts: _Counts = field(default_factory=_Counts)


def _suite(document: Mapping[str, Any]) -> _Suite:
    started = _attribute(document.get("run.started") or document["@timestamp"])
    head = f'name="{_attribute(document["test"])}" timestamp="{started}"'
    # Closed by the writer.
    return _Suite(head, cast(IO[bytes], tempfile.SpooledTemporaryFile(_HELD)))


class _Names:
    """Names of test cases, each given once: GitLab takes the first of a name and no other."""

    def __init__(self) -> None:
        self._given = Repeats()

    def of(self, document: Mapping[str, Any]) -> str:
        """Give a document's name as XML, with a number where others had it before."""
        plain = given = _attribute(name(document))  # where what XML cannot hold is dropped
        number = self._given.count([plain])[0]
        while number > 1:
            given = f"{plain} ({number})"
            number = number + 1 if self._given.count([given])[0] > 1 else 0
        return given


class _Writer:
    """The cases of one file, by suite."""

    def __init__(self) -> None:
        self._suites: dict[str, _Suite] = {}
        self._total = _Counts()
        self.size = 0  # bytes, about

    def add(self, document: Mapping[str, Any], outcome: str, case: bytes) -> None:
        suite = self._suites.get(document["test"])
        if suite is None:
            suite = self._suites[document["test"]] = _suite(document)
            self.size += len(_suite_tag(suite)) + len(_SUITE_END)
        for counts in (suite.counts, self._total):
            counts.add(outcome, document.get("duration") or 0.0)
        suite.spool.write(case)
        self.size += len(case)

    def save(self, path: Path, first_line: str) -> None:
        with path.open("wb") as file:
            file.write(_bytes(f'{first_line}<testsuites name="lakecheck" {self._total}>\n'))
            for suite in self._suites.values():
                file.write(_suite_tag(suite))
                suite.spool.seek(0)
                shutil.copyfileobj(suite.spool, file)
                file.write(_SUITE_END)
            file.write(b"</testsuites>\n")

    def close(self) -> None:
        for suite in self._suites.values():
            suite.spool.close()


def _suite_tag(suite: _Suite) -> bytes:
    return _bytes(f"<testsuite {suite.head} {suite.counts}>\n")


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")  # a half of a surrogate pair is no character


def write(path: Path, documents: Iterable[Mapping[str, Any]], most: int = GITLAB) -> list[Path]:
    """Write JUnit files, one suite a test, each of about `most` bytes at most.

    The second is `NAME-2.xml`. They appear when all are whole.
    """
    parts = Parts(path)
    writer = _Writer()
    names = _Names()
    try:
        for document in documents:
            outcome = _outcome(document)
            case = _bytes(_case(document, names.of(document), outcome))
            if writer.size and writer.size + len(case) > most:
                writer.save(*parts.following())
                writer.close()
                writer = _Writer()
            writer.add(document, outcome, case)
        writer.save(*parts.following())
        return parts.keep()
    finally:
        writer.close()
        parts.discard()


def _outcome(document: Mapping[str, Any]) -> str:
    status = str(document["status"])
    # An attempt that was repeated is no outcome of its own.
    passed = status == "passed" or document.get("document") == "attempt"
    return "" if passed else _OUTCOMES.get(status, "skipped")


def _case(document: Mapping[str, Any], name: str, outcome: str) -> str:
    fields = "".join(
        f'<property name="{_field(field)}" value="{_attribute(encoded(value))}"/>\n'
        for field, value in document.items()
    )
    seconds = document.get("duration") or 0.0
    return (
        f'<testcase name="{name}" '
        f'classname="{_attribute(document["test"])}" time="{seconds:.6g}">\n'
        f"<properties>\n{fields}</properties>\n{_judged(document, outcome)}</testcase>\n"
    )


def _judged(document: Mapping[str, Any], outcome: str) -> str:
    if not outcome:
        return ""
    message = document.get("reason") or document.get("error.message") or document["status"]
    told = str(document.get("error.message", "")).translate(_TEXT)
    return (
        f'<{outcome} message="{_attribute(str(message))}" '
        f'type="{_attribute(document.get("error.class", document["status"]))}">{told}</{outcome}>\n'
    )
