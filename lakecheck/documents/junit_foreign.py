"""Test cases of other tools' JUnit, as documents of our schema.

What tools share is understood, and what is told apart in junit_dialects; what a file leaves out is
left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from lakecheck.documents import junit_dialects as dialects
from lakecheck.documents.junit_case import ALWAYS, KIND, Batch, Case, Part, Suite
from lakecheck.documents.junit_dialects import moment
from lakecheck.documents.junit_repeats import Repeats
from lakecheck.documents.junit_said import said, said_end
from lakecheck.documents.junit_time import Times
from lakecheck.documents.junit_value import decoded
from lakecheck.documents.result import (
    MESSAGE_LIMIT,
    VERSION,
    Document,
    fingerprint,
    identity,
)

# Surefire: attempts that failed before the one that passed, of which the case tells; and those
# after the first, of which the case tells.
FLAKY = ("flakyFailure", "flakyError")
RERUN = ("rerunFailure", "rerunError")
NOT_RUN = ("notrun", "disabled")  # GoogleTest, CTest
NO_WORDS = "it does not say why"
PARAMETERS = ("value_param", "type_param")  # GoogleTest: with what the case was run
ATTACHMENT = re.compile(r"\[\[ATTACHMENT\|(.+?)\]\]")  # as Jenkins and GitLab read it

Parts = Mapping[str, list[Part]]  # of a case, by their names


class Source:
    """The file that cases come from, and what was met in it."""

    def __init__(self, path: Path, times: Times) -> None:
        self.name = path.stem
        self.repeats = Repeats()
        self._path, self._times = path, times

    @cached_property
    def time(self) -> str:
        """The time of what the file tells none of."""
        return self._times.of(self._path)


def documents(batch: Batch, source: Source) -> list[Document]:
    """Give the attempts of each case, then its result."""
    classes, names = batch.classes, batch.names
    # Most hold nothing, which is found out more quickly of all together.
    together = "\n".join(classes + names)
    if said(together) != together:
        classes, names = [said(each) for each in classes], [said(each) for each in names]
    shared = _shared(batch.suite, source)
    found = [
        shared
        | {
            "_id": id_,
            "case": classname or source.name,
            "check": name or classname or source.name,
            "duration": time,
        }
        for id_, classname, name, time in zip(
            batch.ids, classes, names, batch.durations, strict=True
        )
    ]
    if None in batch.durations:
        for document in found:
            if document["duration"] is None:
                del document["duration"]
    _tell_repeats(batch, found, source.repeats)
    for position, case in sorted(batch.more.items(), reverse=True):
        found[position : position + 1] = _of_case(case, found[position])
    if not batch.suite.started:
        for document in found:
            document["@timestamp"] = document.get("@timestamp") or source.time
    return found


def _tell_repeats(batch: Batch, found: Sequence[Document], repeats: Repeats) -> None:
    """Give cases whose name and time were met before an identity of their own."""
    no_names = {position for position, case in batch.more.items() if case.again or case.own}
    positions = [position for position in range(len(found)) if position not in no_names]
    counts = repeats.count([batch.ids[position] for position in positions])
    if sum(counts) == len(counts):
        return
    for position, occurred in zip(positions, counts, strict=True):
        if occurred > 1:
            found[position]["_id"] = identity(batch.ids[position], f"{occurred} times")
            found[position][f"{KIND}.repeat"] = occurred


def _shared(suite: Suite, source: Source) -> Document:
    return {
        "@timestamp": suite.started,  # "" where there is none yet
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


def _of_case(case: Case, document: Document) -> list[Document]:
    """Give what a case becomes that is not plain; of the document, what is plain is there."""
    if case.own:
        return [{name: decoded(text) for name, text in case.properties.items()}]
    if not ALWAYS.issuperset(case.attributes):
        began = moment(case.attributes.get("timestamp") or "")
        document["@timestamp"] = began or document["@timestamp"]
        document |= _place(case.attributes)
    if case.properties:
        document |= _labels(case.properties)
    return _attempts(case, document)


def _attempts(case: Case, document: Document) -> list[Document]:
    """Give the documents of a case, of which all but the outcome is known."""
    parts: dict[str, list[Part]] = {}
    for part in case.parts:
        parts.setdefault(part.name, []).append(part)
    attempts, timed = _tried(case, parts)
    skipped = parts.get("skipped", [])
    identified, took = document["_id"], document.pop("duration", None)
    found = []
    for number, (failures, output) in enumerate(attempts):
        last = number + 1 == len(attempts)
        attempt = document if last else document.copy()
        attempt["attempt"] = case.attempt + number
        if case.again or not last:
            attempt["document"] = "attempt"
            attempt["_id"] = identity(identified, str(case.attempt + number))
        if number == timed and took is not None:
            attempt["duration"] = took
        if failures:
            attempt |= _failed(failures, output)
        else:
            attempt |= _not_failed(skipped, case.attributes.get("status"), output)
        if output:
            attempt |= _printed(output)
        found.append(attempt)
    return found


def _tried(case: Case, parts: Parts) -> tuple[list[tuple[list[Part], str]], int]:
    """Give failures and output of each attempt, and which of them the case's duration is of."""
    failures = parts.get("failure", []) + parts.get("error", [])
    printed = parts.get("system-out", []) + parts.get("system-err", [])
    this = (failures, "\n".join([part.text for part in printed if part.text]))
    if not parts.keys().isdisjoint(RERUN):
        rerun = [([part], part.output) for part in case.parts if part.name in RERUN]
        return ([this] if failures else []) + rerun, 0
    if not parts.keys().isdisjoint(FLAKY):
        flaky = [([part], part.output) for part in case.parts if part.name in FLAKY]
        return [*flaky, this], len(flaky)
    return [this], 0


def _place(attributes: Mapping[str, str]) -> Document:
    line = attributes.get("line") or ""
    parameter = next((attributes[each] for each in PARAMETERS if each in attributes), "")
    fields = {
        f"{KIND}.file": said(attributes.get("file") or ""),
        f"{KIND}.line": int(line) if line.isdecimal() else None,
        f"{KIND}.parameter": said(parameter)[:MESSAGE_LIMIT],
    }
    return _told(fields)


def _not_failed(skipped: Sequence[Part], status: str | None, output: str) -> Document:
    why = dialects.reason(skipped[0].message, skipped[0].text) if skipped else ""
    if dialects.could_not_run(status, why):
        if needed := dialects.needed(output):
            why = said(output)[:MESSAGE_LIMIT]
            return {"status": "blocked", "blocked_by": said(needed)[:MESSAGE_LIMIT], "reason": why}
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
        message = said_end(output) or message or NO_WORDS
    status = "error" if failures[0].name.lower().endswith("error") else "failed"
    return {"status": status, **_error(message)}


def _error(message: str) -> Document:
    told = said(message)[:MESSAGE_LIMIT]
    return {
        "error.class": "unknown",
        "error.message": told,
        "error.fingerprint": fingerprint(told, "unknown"),
    }


def _printed(output: str) -> Document:
    """Give the end of what was printed, and the files that it names."""
    attachments = [said(each) for each in ATTACHMENT.findall(output)]
    fields: Document = {f"{KIND}.output": said_end(output)}
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
