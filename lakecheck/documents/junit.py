"""Documents as JUnit XML: one test case a check, every document field a property."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

# What XML 1.0 cannot hold, even escaped: most control characters, lone surrogates.
ILLEGAL: dict[int, str | None] = dict.fromkeys(
    code for code in (*range(32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF) if code not in (9, 10, 13)
)


def address(document: Mapping[str, Any]) -> str:
    """`TEST::CASE.CHECK` of a result document."""
    return f"{document['test']}::{document['case']}.{document['check']}"


def properties(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every field as a pair of texts; what is no text is written as JSON."""
    for name, value in document.items():
        yield _text(name), _text(value)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text.translate(ILLEGAL)


def write(path: Path, documents: Iterable[Mapping[str, Any]]) -> None:
    """Write a JUnit file with one suite a test."""
    from junitparser import JUnitXml, TestSuite

    suites: dict[str, TestSuite] = {}
    for document in documents:
        name = str(document["test"])
        if name not in suites:
            suites[name] = TestSuite(_text(name))
            suites[name].timestamp = str(document["run.started"])
        # Not add_testcase, which counts the whole suite anew each time.
        suites[name].append(_case(document))
    root = JUnitXml("lakecheck")
    for suite in suites.values():
        suite.update_statistics()
        root.append(suite)
    root.update_statistics()
    root.write(str(path))


def _case(document: Mapping[str, Any]) -> Any:
    from junitparser import Properties, Property, TestCase

    case = TestCase(_text(address(document)), _text(document["test"]))
    case.time = document.get("duration") or 0.0
    fields = Properties()
    for name, text in properties(document):
        fields.append(Property(name, text))
    case.append(fields)
    outcome = _outcome(document)
    if outcome is not None:
        case.result = [outcome]
    return case


def _outcome(document: Mapping[str, Any]) -> Any:
    from junitparser import Error, Failure, Skipped

    status = document["status"]
    if status == "passed":
        return None
    kinds = {"failed": Failure, "error": Error, "not_run": Error}
    message = document.get("reason") or document.get("error.message") or status
    outcome = kinds.get(status, Skipped)(_text(message), document.get("error.class", status))
    outcome.text = _text(document.get("error.message", ""))
    return outcome
