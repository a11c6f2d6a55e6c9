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
from typing import IO, Any

import msgspec
from msgspec import Struct, field

# What XML 1.0 cannot hold, even escaped.
ILLEGAL: dict[int, str | None] = dict.fromkeys(
    [code for code in (*range(32), 0xFFFE, 0xFFFF) if code not in (9, 10, 13)]
)
_TEXT = ILLEGAL | {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}
_ATTRIBUTE = _TEXT | {ord('"'): "&quot;", 9: "&#9;", 10: "&#10;", 13: "&#13;"}
_SPECIAL = re.compile("[" + re.escape("".join(map(chr, _ATTRIBUTE))) + "]")
_OUTCOMES = {"failed": "failure", "error": "error", "not_run": "error"}  # the others: skipped
_HELD = 2**20  # bytes of one suite


def address(document: Mapping[str, Any]) -> str:
    """`TEST::CASE.CHECK` of a result document."""
    return f"{document['test']}::{document['case']}.{document['check']}"


def properties(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every field as a pair of texts; what is no text is written as JSON."""
    for name, value in document.items():
        yield name, _text(value).translate(ILLEGAL)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _attribute(value: Any) -> str:
    text = _text(value)
    # Few texts hold such a character, and searching is quicker than translating.
    return text.translate(_ATTRIBUTE) if _SPECIAL.search(text) else text


_name = cache(_attribute)  # few names, in every case


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
    spool: IO[str]
    counts: _Counts = field(default_factory=_Counts)


def _suite(document: Mapping[str, Any]) -> _Suite:
    started = _attribute(document["run.started"])
    head = f'name="{_attribute(document["test"])}" timestamp="{started}"'
    # Closed by `write`.
    return _Suite(
        head, tempfile.SpooledTemporaryFile(_HELD, "w+", encoding="utf-8", errors="replace")
    )


def write(path: Path, documents: Iterable[Mapping[str, Any]]) -> None:
    """Write a JUnit file with one suite a test."""
    suites: dict[str, _Suite] = {}
    total = _Counts()
    try:
        for document in documents:
            suite = suites.get(document["test"]) or suites.setdefault(
                document["test"], _suite(document)
            )
            outcome = _outcome(str(document["status"]))
            for counts in (suite.counts, total):
                counts.add(outcome, document.get("duration") or 0.0)
            suite.spool.write(_case(document, outcome))
        with path.open("w", encoding="utf-8") as file:
            file.write("<?xml version='1.0' encoding='utf-8'?>\n")
            file.write(f'<testsuites name="lakecheck" {total}>\n')
            for suite in suites.values():
                file.write(f"<testsuite {suite.head} {suite.counts}>\n")
                suite.spool.seek(0)
                shutil.copyfileobj(suite.spool, file)
                file.write("</testsuite>\n")
            file.write("</testsuites>\n")
    finally:
        for suite in suites.values():
            suite.spool.close()


def _outcome(status: str) -> str:
    return "" if status == "passed" else _OUTCOMES.get(status, "skipped")


def _case(document: Mapping[str, Any], outcome: str) -> str:
    fields = "".join(
        f'<property name="{_name(name)}" value="{_attribute(value)}"/>\n'
        for name, value in document.items()
    )
    seconds = document.get("duration") or 0.0
    return (
        f'<testcase name="{_attribute(address(document))}" '
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
