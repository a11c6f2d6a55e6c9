"""A result as a document: flat JSON with dotted names (docs/documents.md lists the fields)."""

from __future__ import annotations

import contextlib
import hashlib
import re
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field

from lakecheck import __version__
from lakecheck.documents.redact import Redactor
from lakecheck.errors import DriverError
from lakecheck.model import Case, Credential, Endpoint, Scalar, Status

VERSION = 1
MESSAGE_LIMIT = 4096
# What differs between equal failures: numbers, names of files and runs, addresses, hex digits.
VARIABLE = re.compile(r"[0-9a-f]{8,}|\d+(?:\.\d+)?|/[^\s:'\",]*")
# Attributes of an RSE that are fields of their own too.
FROM_ATTRIBUTES = ("experiment", "site", "vo")
# Addresses of the two protocols' documentation: a route there is the one to the outside.
OUTSIDE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))

Document = dict[str, Any]
PLACES = 1000  # cases of which the common fields are held


class Result(Struct):
    """What one check gave; times in seconds since 1970, `duration` in seconds."""

    case: Case
    step: str
    status: Status
    ended: float
    duration: float | None = None
    bytes: int | None = None
    files: int | None = None
    throughput: float | None = None  # B/s; None: bytes by duration
    reason: str = ""
    blocked_by: str = ""
    error: DriverError | None = None
    severity: str = ""
    measures: Mapping[str, Any] = field(default_factory=dict)
    expected: Sequence[Mapping[str, Any]] = ()
    repeat: Sequence[str] = ()

    @property
    def address(self) -> str:
        """Address of its check."""
        return f"{self.case.address}.{self.step}"


class Context(Struct):
    """What all documents of one run share."""

    run_id: str
    trigger: str
    started: float
    spec_name: str
    spec_digest: str
    inventory_digest: str
    url: str = ""
    attributes: Mapping[str, Mapping[str, Scalar]] = field(default_factory=dict)  # by RSE
    credentials: Mapping[str, Credential] = field(default_factory=dict)
    redactor: Redactor = field(default_factory=Redactor)
    shared: Document = field(default_factory=dict)
    places: dict[str, Document] = field(default_factory=dict)  # of cases that were met lately

    def __post_init__(self) -> None:
        """Prepare the fields that never change."""
        self.shared = {
            "document": "result",
            "version": VERSION,
            "run.id": self.run_id,
            "run.trigger": self.trigger,
            "run.started": rfc3339(self.started),
            "spec.name": self.spec_name,
            "spec.digest": self.spec_digest,
            "inventory.digest": self.inventory_digest,
            "tester.host": socket.gethostname(),
            "tester.ip": own_address(),
            "tester.version": __version__,
        }
        if self.url:
            self.shared["run.url"] = self.redactor.text(self.url)

    def place(self, case: Case) -> Document:
        """Give the fields that all documents of a case share, worked out once."""
        found = self.places.get(case.address)
        if found is None:
            if len(self.places) >= PLACES:
                self.places.clear()
            found = self.places[case.address] = _place(case, self)
        return found


def rfc3339(seconds: float) -> str:
    """UTC with milliseconds, such as `2026-11-21T09:00:00.000Z`."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z"


def own_address() -> str:
    """The address that this machine uses towards the outside, loopback where there is none."""
    for family, outside in OUTSIDE:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as unsent:
            unsent.connect((outside, 9))  # chooses a route and an address, and sends nothing
            return str(unsent.getsockname()[0])
    return "127.0.0.1"


def identity(*parts: str) -> str:
    """Hex digest of what makes a document one and the same."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def fingerprint(message: str, error_class: str) -> str:
    """Digest that equal failures share, whatever numbers and paths their messages name."""
    return identity(error_class, VARIABLE.sub("#", message))[:12]


def document(result: Result, context: Context) -> Document:
    """Build the document of one result."""
    case = result.case
    made = {
        "@timestamp": rfc3339(result.ended),
        "_id": identity(context.run_id, result.address),
        **context.shared,
        "test": case.test.name,
        "kind": case.test.kind,
        "case": case.id,
        "check": result.step,
        "attempt": 1,
        **context.place(case),
        "status": result.status,
    }
    for name, value in (
        ("reason", context.redactor.text(result.reason)),
        ("blocked_by", result.blocked_by),
        ("severity", result.severity),
        ("duration", result.duration and round(result.duration, 6)),
        ("bytes", result.bytes),
        ("files", result.files),
    ):
        if value is not None and value != "":
            made[name] = value
    if result.throughput:
        made["throughput"] = round(result.throughput)
    elif result.bytes and result.duration:
        made["throughput"] = round(result.bytes / result.duration)
    _measures(made, result, context.redactor)
    return made


def _measures(made: Document, result: Result, redactor: Redactor) -> None:
    for name, value in result.measures.items():
        key = name if "." in name else f"{result.case.test.kind}.{name}"
        made[key] = redactor.value(value)
    if result.error:
        made.update(error_fields(result.error, redactor))
    if result.expected:
        made["expected"] = [dict(each) for each in result.expected]
    if result.repeat:
        made["repeat"] = redactor.value(result.repeat)


def error_fields(error: DriverError, redactor: Redactor) -> Document:
    """The `error.*` fields; the message redacted, then cut."""
    message = redactor.text(error.message)[:MESSAGE_LIMIT]
    fields: Document = {
        "error.class": error.error_class,
        "error.side": error.side,
        "error.message": message,
        "error.fingerprint": fingerprint(message, error.error_class),
    }
    for name, value in (("phase", error.phase), ("code", error.code), ("host", error.host)):
        if value is not None:
            fields[f"error.{name}"] = value
    return fields


def _place(case: Case, context: Context) -> Document:
    fields: Document = {}
    if case.source and case.endpoint:
        fields.update(_end("source.", case.source, context))
        fields.update(_end("destination.", case.endpoint, context))
        if case.endpoint.url:
            fields["protocol"] = case.endpoint.scheme
            fields["host"] = case.endpoint.host
    elif case.endpoint:
        fields.update(_end("", case.endpoint, context))
    elif case.place in context.attributes and not case.service:
        fields.update(_rse("", case.place, context))
    if case.experiment:
        fields["experiment"] = case.experiment
    if case.size or (case.endpoint and case.driven):
        fields["size"] = case.size
    if case.mode:
        fields["transfer.mode"] = case.mode
    if service := case.test.service.name if case.test.service else case.service:
        fields["service"] = service
    shown = case.asks or case.credential  # what a service is shown decides, where there is one
    credential = context.credentials.get(shown)
    fields["credential"] = shown
    fields["auth_method"] = credential.kind if credential else "none"
    return fields


def _end(prefix: str, endpoint: Endpoint, context: Context) -> Document:
    fields = _rse(prefix, endpoint.rse, context)
    if endpoint.url:  # else which way in is used is a service's business
        fields |= {
            f"{prefix}endpoint": context.redactor.text(endpoint.url),
            f"{prefix}host": endpoint.host,
            # Of a second endpoint, `davs-2` is for addresses; grouped by protocol, both are davs.
            f"{prefix}protocol": endpoint.scheme,
        }
    return fields


def _rse(prefix: str, rse: str, context: Context) -> Document:
    fields: Document = {f"{prefix}rse": rse}
    for name, value in context.attributes.get(rse, {}).items():
        fields[f"{prefix}labels.{name}"] = value
        if name in FROM_ATTRIBUTES:
            fields[f"{prefix}{name}"] = value
    return fields
