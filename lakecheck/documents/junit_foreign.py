"""Test cases of other tools' JUnit, as documents of our schema.

What tools share is understood, and what is told apart in junit_dialects; what a file leaves out is
left out.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from lakecheck.documents import junit_dialects as dialects
from lakecheck.documents.junit_case import PRINTED, Batch, Case, Part, Suite, is_own
from lakecheck.documents.junit_value import decoded
from lakecheck.documents.redact import HINT, Redactor
from lakecheck.documents.result import (
    MESSAGE_LIMIT,
    VERSION,
    Document,
    fingerprint,
    identity,
    rfc3339,
)

KIND = "junit"
FAILED = ("failure", "error")
# Surefire: attempts that failed before the last one passed, and those after the first that failed.
FLAKY = ("flakyFailure", "flakyError")
RERUN = ("rerunFailure", "rerunError")
NOT_RUN = ("notrun", "disabled")  # GoogleTest, CTest
NO_WORDS = "it does not say why"
PARAMETERS = ("value_param", "type_param")  # GoogleTest: with what the case was run
ATTACHMENT = re.compile(r"\[\[ATTACHMENT\|(.+?)\]\]")  # as Jenkins and GitLab read it
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
# What the Redactor searches for, which is quicker to look for one by one.
_WORDS = tuple(HINT.pattern.lower().split("|"))
_redactor = Redactor()


class Source:
    """The file that cases come from."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.stem
        self.modified = rfc3339(path.stat().st_mtime)

    @cached_property
    def digest(self) -> str:
        """Digest of the content, which tells runs apart where cases have no time."""
        with self._path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()


def said(text: str) -> str:
    """Give a text without secrets."""
    if text.isascii():
        low = text.lower()
        for word in _WORDS:
            if word in low:
                return _redactor.text(text)
        return text
    return _redactor.text(text)


def documents(batch: Batch, source: Source) -> Iterator[Document]:
    """Give the attempts of each case, then its result."""
    suite = batch.suite
    shared: Document = {
        "@timestamp": suite.started or source.modified,
        "_id": "",
        "document": "result",
        "version": VERSION,
        "test": said(suite.name) or source.name,
        "kind": KIND,
        "case": "",
        "check": "",
        **_told({"tester.host": suite.host, **_labels(suite.properties)}),
        "attempt": 1,
        "status": "passed",
    }
    for case in batch.cases:
        if case.properties and is_own(case.properties):
            yield {name: decoded(text) for name, text in case.properties.items()}
        else:
            yield from _of_case(case, suite, shared.copy(), source)


def _of_case(
    case: Case, suite: Suite, document: Document, source: Source
) -> tuple[Document] | Iterator[Document]:
    attributes = case.attributes
    classname = attributes.get("classname") or suite.name
    name = (attributes.get("name") or "").strip() or classname
    started = suite.started
    if "timestamp" in attributes and (own := dialects.moment(attributes["timestamp"])):
        document["@timestamp"] = started = own
    key = f"{KIND}\0{suite.name}\0{classname}\0{name}\0{started or source.digest}"
    if case.repeat > 1:
        key = f"{key}\0{case.repeat} times"
        document[f"{KIND}.repeat"] = case.repeat
    document["_id"] = identity(key)
    document["case"] = _said_again(classname)
    document["check"] = said(name)
    if len(attributes) > 3:  # more than class, name and time
        document |= _place(attributes)
    if case.properties:
        document |= _labels(case.properties)
    if (took := seconds(attributes.get("time"))) is not None:
        document["duration"] = took
    if not case.parts and case.attempt == 1 and attributes.get("status") not in NOT_RUN:
        return (document,)
    return _attempts(case, document, key)


def _attempts(case: Case, document: Document, key: str) -> Iterator[Document]:
    """Give the documents of a case, of which all but the outcome is known."""
    earlier, last = _troubles(case.parts)
    output = _output(case.parts)
    for number, trouble in enumerate(earlier, case.attempt):
        attempt = document | _attempt(key, number)
        attempt.pop("duration", None)  # is that of the last
        yield attempt | _failed([trouble], trouble.output) | _printed(trouble.output)
    number = case.attempt + len(earlier)
    document["attempt"] = number
    if case.again:
        document |= _attempt(key, number)
    yield document | _outcome(case, last, output) | _printed(output)


def _attempt(key: str, number: int) -> Document:
    return {"document": "attempt", "_id": identity(key, str(number)), "attempt": number}


def _place(attributes: Mapping[str, str]) -> Document:
    line = attributes.get("line") or ""
    return _told(
        {
            f"{KIND}.file": said(attributes.get("file") or ""),
            f"{KIND}.line": int(line) if line.isdecimal() else None,
            f"{KIND}.parameter": said(
                next((attributes[n] for n in PARAMETERS if n in attributes), "")
            ),
        }
    )


def _troubles(parts: Sequence[Part]) -> tuple[list[Part], list[Part]]:
    """Give the failures of attempts before the last one, and the last one's."""
    failures = [part for name in FAILED for part in parts if part.name == name]
    rerun = [part for part in parts if part.name in RERUN]
    if rerun:  # the first failure is the first attempt's
        return failures + rerun[:-1], rerun[-1:]
    return [part for part in parts if part.name in FLAKY], failures


def _outcome(case: Case, failures: Sequence[Part], output: str) -> Document:
    if failures:
        return _failed(failures, output)
    status = case.attributes.get("status")
    skipped = [part for part in case.parts if part.name == "skipped"]
    why = dialects.reason(skipped[0].message, skipped[0].text) if skipped else ""
    if dialects.could_not_run(status, why):
        if needed := dialects.needed(output):
            return {"status": "blocked", "blocked_by": said(needed), "reason": said(output)}
        return {"status": "error", **_error(output or why)}
    if skipped or status in NOT_RUN:
        told = said(why) or (status if status in NOT_RUN else f"skipped, {NO_WORDS}")
        return {"status": "skipped", "reason": told[:MESSAGE_LIMIT]}
    return {"status": "passed"}


def _failed(failures: Sequence[Part], output: str) -> Document:
    """Give the error of an attempt; GoogleTest tells of every expectation that was not met."""
    texts = [dialects.told(each.message, each.text) or each.type for each in failures]
    message = "\n".join(text for text in texts if text)
    if dialects.is_idle(message):  # as CTest's is, or was: it is in the output
        message = output[-MESSAGE_LIMIT:] or message or NO_WORDS
    status = "error" if failures[0].name.lower().endswith("error") else "failed"
    return {"status": status, **_error(message)}


def _error(message: str) -> Document:
    told = said(message)[:MESSAGE_LIMIT]
    return {
        "error.class": "unknown",
        "error.message": told,
        "error.fingerprint": fingerprint(told, "unknown"),
    }


def _output(parts: Sequence[Part]) -> str:
    return "\n".join(
        part.text for name in PRINTED for part in parts if part.name == name and part.text
    )


def _printed(output: str) -> Document:
    """Give the end of what was printed, and the files that it names."""
    if not output:
        return {}
    attachments = [said(each) for each in ATTACHMENT.findall(output)]
    # Redacted before it is cut, or half a secret would be left.
    end = said(output[-2 * MESSAGE_LIMIT :])[-MESSAGE_LIMIT:]
    fields: Document = {f"{KIND}.output": end}
    return fields | {f"{KIND}.attachments": attachments} if attachments else fields


def _labels(properties: Mapping[str, str]) -> Document:
    # An index cannot hold both `java.version` and `java.version.date`.
    return {
        f"labels.{name.replace('.', '_')}": said(value)[:MESSAGE_LIMIT]
        for name, value in properties.items()
        if name and value
    }


def _told(fields: Document) -> Document:
    return {name: value for name, value in fields.items() if value}


def seconds(text: str | None) -> float | None:
    """Read a duration: `0.25`, `1,234.5` and, of tools that know no better, `0,25`."""
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        return _seconds_of_others(text)
    return found if 0.0 <= found < math.inf else None


def _seconds_of_others(text: str) -> float | None:
    told = text.strip().removesuffix("s").strip()
    if _THOUSANDS.fullmatch(told):
        told = told.replace(",", "")
    told = told.replace(",", ".")
    return seconds(told) if told != text else None


_said_again = lru_cache(maxsize=1024)(said)  # classes have many cases
