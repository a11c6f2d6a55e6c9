"""Documents as JUnit XML: one test case a check, every document field a property."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from junitparser import Error, Failure, JUnitXml, Properties, Property, Skipped, TestCase, TestSuite

# What XML 1.0 cannot hold, even escaped.
ILLEGAL = {code: None for code in range(32) if code not in (9, 10, 13)} | {
    0xFFFE: None,
    0xFFFF: None,
}


def address(document: Mapping[str, Any]) -> str:
    """`TEST::CASE.CHECK` of a result document."""
    return f"{document['test']}::{document['case']}.{document['check']}"


def properties(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every field as a pair of texts; what is no text is written as JSON."""
    for name, value in document.items():
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        yield name, text.translate(ILLEGAL)


def test_case(document: Mapping[str, Any]) -> TestCase:
    """One check as a JUnit test case."""
    case = TestCase(
        name=address(document), classname=str(document["test"]), time=document.get("duration", 0)
    )
    outcome = _outcome(document)
    if outcome is not None:
        case.result = [outcome]
    fields = Properties()
    for name, text in properties(document):
        fields.add_property(Property(name, text))
    case.append(fields)
    return case


def _outcome(document: Mapping[str, Any]) -> Failure | Error | Skipped | None:
    status = document["status"]
    if status == "passed":
        return None
    kinds: dict[str, type[Failure | Error | Skipped]]
    kinds = {"failed": Failure, "error": Error, "not_run": Error}
    message = str(document.get("reason") or document.get("error.message") or status)
    outcome = kinds.get(status, Skipped)(
        message=message.translate(ILLEGAL), type_=str(document.get("error.class", status))
    )
    if "error.message" in document:
        outcome.text = str(document["error.message"]).translate(ILLEGAL)
    return outcome


def write(path: Path, documents: Iterable[Mapping[str, Any]]) -> None:
    """Write a JUnit file with one suite a test."""
    suites: dict[str, TestSuite] = {}
    for document in documents:
        name = str(document["test"])
        if name not in suites:
            suites[name] = TestSuite(name=name)
            suites[name].timestamp = str(document["run.started"])
        suites[name].append(test_case(document))
    root = JUnitXml(name="lakecheck")
    for suite in suites.values():
        suite.update_statistics()
        root.append(suite)
    root.update_statistics()
    root.write(str(path), pretty=False)
