"""A result document, decoded once for everything that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from lakecheck.views import words

_DIGITS = re.compile(r"0x[0-9a-fA-F]+|[0-9a-fA-F]{8,}|[0-9]+")
_URLS = re.compile(r"[a-z0-9+]+://[^\s\"']+")


class Promise(Struct, frozen=True):
    """One condition of `expect`, what was seen, and whether it was met."""

    condition: str
    seen: str
    met: bool


class Outcome(Struct, frozen=True, dict=True):
    """One check's result as people need it; seconds, bytes and bytes per second."""

    test: str
    kind: str
    case: str
    check: str
    status: str
    reason: str = ""
    blocked_by: str = ""
    rse: str = ""
    source: str = ""
    destination: str = ""
    protocol: str = ""
    endpoint: str = ""
    source_endpoint: str = ""
    mode: str = ""
    credential: str = ""
    size: float | None = None
    duration: float | None = None
    throughput: float | None = None
    error_class: str = ""
    side: str = ""
    phase: str = ""
    code: str = ""
    host: str = ""
    message: str = ""
    fingerprint: str = ""
    level: str = ""  # that is broken, where a diagnosis told it
    level_side: str = ""
    tried: tuple[str, ...] = ()
    service: str = ""  # by name, that the check went through or asked
    severity: str = ""
    expected: tuple[Promise, ...] = ()
    repeat: tuple[str, ...] = ()
    ended: str = ""  # RFC 3339

    @cached_property
    def address(self) -> str:
        """`TEST::CASE.CHECK`."""
        return f"{self.test}::{self.case}.{self.check}"

    @property
    def is_link(self) -> bool:
        """Whether it was between two RSEs."""
        return bool(self.source and self.destination)

    @property
    def place(self) -> str:
        """An RSE, or `SRC~DST`; for what is neither, the case."""
        if self.is_link:
            return f"{self.source}~{self.destination}"
        return self.rse or self.destination or self.case

    @cached_property
    def label(self) -> str:
        """The protocol as its address has it: `davs-2` for an RSE's second endpoint."""
        first = self.case.removeprefix(self.place).removeprefix(".").partition(".")[0]
        name, _, number = first.rpartition("-")
        return first if name == self.protocol and number.isdigit() else self.protocol

    @cached_property
    def variant(self) -> str:
        """What is left of the case without its place and protocol: size, mode, credential."""
        rest = self.case.removeprefix(self.place).removeprefix(".")
        if rest == self.label:
            return ""
        return rest.removeprefix(f"{self.label}.") if self.label else rest

    @property
    def blamed_side(self) -> str:
        """Whose side it is, as far as a diagnosis, or else the error, tells."""
        return self.level_side or self.side

    @property
    def blamed_service(self) -> str:
        """The service whose fault it is, by name; empty where it is another's."""
        if self.blamed_side != "service":
            return ""
        # A diagnosis that found an FTS guilty under another service tells no name of it.
        return self.level if self.level and self.kind == "replication" else self.service

    @property
    def is_trouble(self) -> bool:
        """Whether it failed by itself: the storage's fault, or ours."""
        return self.status in ("failed", "error")

    @property
    def unmet(self) -> tuple[Promise, ...]:
        """The promises that were not kept."""
        return tuple(promise for promise in self.expected if not promise.met)

    @cached_property
    def likeness(self) -> str:
        """Equal for errors that differ only in numbers and names."""
        if self.fingerprint:
            return self.fingerprint
        text = _DIGITS.sub("#", _URLS.sub("URL", self.message or self.reason))
        key = f"{self.error_class}|{self.code}|{text}"
        return blake2b(key.encode(), digest_size=8).hexdigest()


def read(documents: Iterable[Mapping[str, Any]]) -> list[Outcome]:
    """Decode the result documents, the last of each address, in their first order."""
    found: dict[str, Outcome] = {}
    for document in documents:
        if document.get("document", "result") == "result":
            outcome = decode(document)
            found[outcome.address] = outcome
    return list(found.values())


def decode(document: Mapping[str, Any]) -> Outcome:
    """Decode one result document; unknown or ill-typed fields are left out."""
    source, destination = _text(document, "source.rse"), _text(document, "destination.rse")
    endpoint = _text(document, "endpoint") or _text(document, "destination.endpoint")
    protocol = _text(document, "protocol") or _text(document, "destination.protocol")
    case = _text(document, "case")
    status, reason = _text(document, "status"), _text(document, "reason")
    if status not in words.STATUSES:  # never let what is not understood look passed
        status, reason = "error", f'its document has the status "{status}"'
    return Outcome(
        test=_text(document, "test"),
        kind=_text(document, "kind"),
        case=case,
        check=_text(document, "check"),
        status=status,
        reason=reason,
        blocked_by=_text(document, "blocked_by"),
        rse=_text(document, "rse"),
        source=source,
        destination=destination,
        protocol=protocol or endpoint.partition("://")[0],
        endpoint=endpoint,
        source_endpoint=_text(document, "source.endpoint"),
        mode=_text(document, "transfer.mode"),
        credential=_text(document, "credential"),
        size=_number(document, "size"),
        duration=_number(document, "duration"),
        throughput=_number(document, "throughput"),
        error_class=_text(document, "error.class"),
        side=_text(document, "error.side"),
        phase=_text(document, "error.phase"),
        code=_text(document, "error.code"),
        host=_text(document, "error.host"),
        message=_text(document, "error.message"),
        fingerprint=_text(document, "error.fingerprint"),
        level=_text(document, "diagnosis.level"),
        level_side=_text(document, "diagnosis.side"),
        tried=_commands(document.get("diagnosis.tried")),
        service=_text(document, "service"),
        severity=_text(document, "severity"),
        expected=_promises(document.get("expected")),
        repeat=_commands(document.get("repeat")),
        ended=_text(document, "@timestamp"),
    )


def _text(document: Mapping[str, Any], field: str) -> str:
    value = document.get(field)
    return "" if value is None else str(value)


def _number(document: Mapping[str, Any], field: str) -> float | None:
    value = document.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value


def _promises(value: object) -> tuple[Promise, ...]:
    if not isinstance(value, list | tuple):
        return ()
    return tuple(
        Promise(str(entry.get("condition", "")), str(entry.get("seen", "")), bool(entry.get("met")))
        for entry in value
        if isinstance(entry, Mapping)
    )


def _commands(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,) if value else ()
    if not isinstance(value, list | tuple):
        return ()
    return tuple(str(entry) for entry in value)
