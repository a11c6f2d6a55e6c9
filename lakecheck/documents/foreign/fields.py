"""What foreign events share: flat fields, times, the ends of a transfer, and errors."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lakecheck.documents.redact import Redactor
from lakecheck.documents.result import MESSAGE_LIMIT, VERSION, Document, fingerprint, identity
from lakecheck.publish.moments import told

DEEPEST = 4  # levels of nested objects that become dotted names; deeper ones are JSON as text
LONGEST = 8000  # characters: what stores can search by is 32,766 bytes at most
LARGEST = 2**63  # numbers beyond it are text: stores keep 64 bits
# FTS's words on whose side an error was. AGENT is FTS itself.
SIDES = {
    "SOURCE": "source",
    "DESTINATION": "destination",
    "TRANSFER": "transfer",
    "AGENT": "service",
}
# FTS tells the operating system's numbers. EIO and others may mean anything.
CLASSES = {
    errno.ENOENT: "missing",
    errno.EEXIST: "exists",
    errno.EPERM: "denied",
    errno.EACCES: "denied",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.ETIMEDOUT: "timeout",
    errno.ECONNREFUSED: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.ENOSYS: "unsupported",
    errno.EOPNOTSUPP: "unsupported",
    errno.EPROTONOSUPPORT: "unsupported",
}
FROM_FTS = re.compile(r"(SOURCE|DESTINATION|TRANSFER|AGENT) +\[(\d+)\]")
CHECKSUM = re.compile(r"checksums? (do not|don't|does not|doesn't) match|checksum mismatch", re.I)
_redactor = Redactor()
_canonical = json.JSONEncoder(sort_keys=True).encode


class NotUnderstood(ValueError):
    """A message is no event that lakecheck knows; the text says why, in one sentence."""


def event(source: str, kind: str, time: str, *key: str) -> Document:
    """Begin the document of an event; `key` is what makes it one and the same."""
    return {
        "@timestamp": time,
        "_id": identity(source, kind, *key),
        "document": "event",
        "version": VERSION,
        "event.source": source,
        "event.type": kind,
    }


def flat(prefix: str, content: Mapping[str, Any], depth: int = 1) -> Document:
    """Give nested objects as dotted names, without secrets and without what is empty."""
    fields: Document = {}
    taken: set[str] = set()
    for key, value in content.items():
        # A dot would make a parent of a name that may be a leaf too.
        name = f"{prefix}.{key.replace('.', '_') or '_'}"
        while name in taken:
            name += "_"
        taken.add(name)
        if isinstance(value, dict) and depth < DEEPEST:
            fields |= flat(name, value, depth + 1)
        elif (leaf := _leaf(value)) not in (None, "", []):
            fields[name] = leaf
    return fields


def _leaf(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return [_leaf(each) for each in value]
    if isinstance(value, list | dict):
        return text(canonical(value)) if value else None
    if isinstance(value, int) and abs(value) >= LARGEST:
        return str(value)
    return text(value) if isinstance(value, str) else value


def text(value: Any) -> str:
    """Give a text without secrets, cut where it is very long; empty where it is none."""
    if not isinstance(value, str):
        return ""
    # First without what is left out by far, since looking for secrets takes its time.
    return _redactor.text(value[: 4 * LONGEST])[:LONGEST]


def canonical(content: Any) -> str:
    """Give JSON that is the same for the same content."""
    return _canonical(content)


def number(value: Any) -> int | float | None:
    """Read a number, also from a text; None where it is none or below 0, which is "unknown"."""
    if isinstance(value, str):
        try:
            value = int(value) if value.isdecimal() else float(value)
        except ValueError:
            return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return value if 0 <= value < LARGEST else None  # and so no NaN


def whole(value: Any) -> int | None:
    """Read a whole number that is not below 0."""
    found = number(value)
    return None if found is None else int(found)


def moment(value: Any, what: str, headers: Mapping[str, str]) -> str:
    """Read the time of an event; where it has none, its broker's; raises NotUnderstood."""
    for each in (value, headers.get("timestamp")):
        if each not in (None, "", 0, "0"):
            try:
                return told(each)
            except ValueError as error:
                raise NotUnderstood(f"the time of {what}: {error}") from None
    raise NotUnderstood(f"{what} has no time")


def or_text(value: Any) -> Any:
    """Give a time as documents have it, and what is none as it is."""
    try:
        return told(value) if isinstance(value, str) else value
    except ValueError:
        return value


def end(side: str, url: Any, **more: Any) -> Document:
    """Give the fields of a source or destination: host and protocol of its URL, and others."""
    fields: Document = {f"{side}.{name}": text(value) for name, value in more.items()}
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        fields |= {f"{side}.host": parts.hostname, f"{side}.protocol": parts.scheme}
    except ValueError:  # of a broken address in brackets
        pass
    return {name: value for name, value in fields.items() if value}


def link(source: Document, destination: Document) -> Document:
    """Give the fields of both ends of a link; its host and protocol are its destination's."""
    both = source | destination
    for name in ("host", "protocol"):
        if f"destination.{name}" in both:
            both[name] = both[f"destination.{name}"]
    return both


def measured(size: int | None, moved: int | None, seconds: float | None) -> Document:
    """Give the size of a file, the bytes that went, how long it took, and how fast that is."""
    fields: Document = {"size": size, "bytes": moved, "duration": seconds}
    if moved and seconds:
        fields["throughput"] = round(moved / seconds)
    return {name: value for name, value in fields.items() if value is not None}


def failure(words: str, side: str = "", code: int | None = None) -> Document:
    """Give the `error.*` fields of a failure that FTS or Rucio tells in words."""
    said = FROM_FTS.match(words)
    if said:
        side = side or SIDES[said[1]]
        code = int(said[2]) if code is None else code
    sort = "checksum" if CHECKSUM.search(words) else CLASSES.get(code or 0, "unknown")
    message = text(words)[:MESSAGE_LIMIT]
    fields = {
        "error.class": sort,
        "error.side": side,
        "error.code": code,
        "error.message": message,
        "error.fingerprint": fingerprint(message, sort) if message else "",
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}
