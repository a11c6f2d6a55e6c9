"""Test cases of other tools' JUnit, as documents of our schema.

What tools share is understood, and what is Surefire's, GoogleTest's and CTest's own; what a file
leaves out is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from msgspec import Struct

from lakecheck.documents.result import MESSAGE_LIMIT, VERSION, Document, fingerprint, identity

KIND = "junit"
# Surefire: attempts that failed before the last one passed, and those after the first that failed.
FLAKY = ("flakyFailure", "flakyError")
RERUN = ("rerunFailure", "rerunError")
NOT_RUN = ("notrun", "disabled")  # GoogleTest, CTest
NO_REASON = "skipped, it does not say why"
ATTACHMENT = re.compile(r"\[\[ATTACHMENT\|(.+?)\]\]")  # as Jenkins and GitLab read it
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")


class Inherited(Struct, frozen=True):
    """What a case takes over from its suite; `started` is the suite's own text."""

    suite: str
    started: str
    host: str
    file: str
    modified: datetime  # of the file, for cases without a time


def documents(
    case: Element,
    above: Inherited,
    properties: Mapping[str, str],
    said: Callable[[str], str],
) -> Iterator[Document]:
    """Give the attempts of a case that was repeated, then its result; `said` redacts texts."""
    started = case.get("timestamp") or above.started
    moment = _moment(started) or above.modified
    shared = _shared(case, above, properties, said)
    key = (above.suite, shared["case"], shared["check"], started)
    earlier, last = _attempts(case)
    for number, failure in enumerate(earlier, 1):
        yield {
            **_head("attempt", (*key, str(number)), moment),
            **shared,
            "attempt": number,
            **_outcome(case, failure, said),
        }
    yield {
        **_head("result", key, moment),
        **shared,
        "attempt": len(earlier) + 1,
        **_outcome(case, last, said),
        **_told({"duration": seconds(case.get("time")), **_output(case, said)}),
    }


def _shared(
    case: Element, above: Inherited, properties: Mapping[str, str], said: Callable[[str], str]
) -> Document:
    place = {
        f"{KIND}.file": case.get("file"),
        f"{KIND}.line": _whole(case.get("line")),
        "tester.host": above.host,
        **{f"labels.{key}": said(value) for key, value in properties.items() if key},
    }
    return {
        "test": above.suite or above.file,
        "kind": KIND,
        "case": case.get("classname") or above.suite,
        "check": case.get("name") or "",
        **_told(place),
    }


def _head(document: str, key: tuple[str, ...], moment: datetime) -> Document:
    return {
        "@timestamp": f"{moment.isoformat(timespec='milliseconds')[:23]}Z",
        "_id": identity(KIND, *key),
        "document": document,
        "version": VERSION,
    }


def _told(fields: Document) -> Document:
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _attempts(case: Element) -> tuple[list[Element], Element | None]:
    """Give the failures of attempts before the last one, and the last one's, if it failed."""
    failures = _children(case, "failure") + _children(case, "error")
    rerun = [each for part in RERUN for each in _children(case, part)]
    if rerun:  # the first failure is the first attempt's
        return failures + rerun[:-1], rerun[-1]
    flaky = [each for part in FLAKY for each in _children(case, part)]
    return flaky, failures[0] if failures else None


def _outcome(case: Element, failure: Element | None, said: Callable[[str], str]) -> Document:
    if failure is not None:
        error = tag(failure).lower().endswith("error")
        return {"status": "error" if error else "failed", **_trouble(failure, said)}
    skipped = _children(case, "skipped")
    if skipped or case.get("status") in NOT_RUN:
        return {"status": "skipped", "reason": said(_sentence(skipped)) or NO_REASON}
    return {"status": "passed"}


def tag(element: Element) -> str:
    """Name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def _children(case: Element, name: str) -> list[Element]:
    return [each for each in case if tag(each) == name]


def _trouble(element: Element, said: Callable[[str], str]) -> Document:
    """Give the error of a failure: its message, and the text that says more."""
    message, more = (element.get("message") or "").strip(), (element.text or "").strip()
    told = (
        more if message and message in more else "\n".join(part for part in (message, more) if part)
    )
    told = said(told or element.get("type") or "it does not say why")[:MESSAGE_LIMIT]
    return {
        "error.class": "unknown",
        "error.message": told,
        "error.fingerprint": fingerprint(told, "unknown"),
    }


def _sentence(elements: list[Element]) -> str:
    first = elements[0] if elements else None
    if first is None:
        return ""
    return (first.get("message") or first.text or "").strip()[:MESSAGE_LIMIT]


def _output(case: Element, said: Callable[[str], str]) -> Document:
    """Give the end of what the case printed, and the files that it names."""
    texts = [
        each.text.strip()
        for part in ("system-out", "system-err")
        for each in _children(case, part)
        if each.text and each.text.strip()
    ]
    whole = "\n".join(texts)
    return {
        f"{KIND}.output": said(whole[-MESSAGE_LIMIT:]),
        f"{KIND}.attachments": ATTACHMENT.findall(whole) or None,
    }


def seconds(text: str | None) -> float | None:
    """Read a duration: `0.25`, `1,234.5` and, of tools that know no better, `0,25`."""
    told = (text or "").strip().removesuffix("s").strip()
    if _THOUSANDS.fullmatch(told):
        told = told.replace(",", "")
    try:
        return max(0.0, float(told.replace(",", ".")))
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _moment(text: str) -> datetime | None:
    """Read a time; one without an offset is taken for UTC, which most tools write."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
