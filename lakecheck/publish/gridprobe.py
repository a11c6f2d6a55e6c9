"""Records in the text of the WLCG Grid Monitoring Probes Specification 0.91, read and written.

Lines of `key: value`; `detailsData` comes last and may have several; a line `EOT` ends a record.
What the specification has no key for goes into one of ours, `lakecheckData`, as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from lakecheck.publish.moments import identity, told

DATA = "lakecheckData"
DETAILS = "detailsData"
STATUS, TIME = "metricStatus", "timestamp"
# Keys of the specification and the fields that they are; others are kept as `probe.KEY`.
FIELDS = {
    "hostName": "host",
    "siteName": "site",
    "serviceURI": "endpoint",
    "metricName": "check",
    "voName": "vo",
    "gatheredAt": "tester.host",
    "summaryData": "reason",
}
# Where a document has no such field of its own, what else tells its reader the same.
INSTEAD = {
    "hostName": ("destination.host",),
    "siteName": ("destination.site", "rse", "destination.rse"),
    "serviceURI": ("destination.endpoint",),
    "metricName": ("kind", "document"),
    "summaryData": ("error.message", "status"),
}
WORDS = {"OK": "passed", "WARNING": "passed", "CRITICAL": "failed", "UNKNOWN": "error"}
STATUSES = {"passed": "OK", "failed": "CRITICAL"}
PREFIX = "probe."
ENDS = ("EOT", "\x04")
KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_CONTROL_IN_DETAILS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

Fields = dict[str, Any]


def records(
    text: str, otherwise: str = "", said: Callable[[str], str] | None = None
) -> list[Fields]:
    """Read the records of a message, as documents; `otherwise` is the time of one without.

    `said` is applied to the texts of those that lakecheck has not written. Raises ValueError,
    whose text tells which record is wrong and why.
    """
    found = []
    for number, pairs in enumerate(_pairs(text), 1):
        try:
            made = _document(pairs, otherwise)
            if said and DATA not in pairs:
                made = {key: said(v) if isinstance(v, str) else v for key, v in made.items()}
            found.append(made)
        except ValueError as error:
            raise ValueError(f"record {number}: {error}") from None
    return found


def write(document: Mapping[str, Any]) -> str:
    """Write a document as one record, from which `records` makes an equal document."""
    pairs = _standard(document)
    plain = _document(pairs, "")
    others = {
        key: value
        for key, value in document.items()
        if key not in plain or not _same(plain[key], value)
    }
    without = [key for key in plain if key not in document]
    details = pairs.pop(DETAILS, None)
    if others or without:
        pairs[DATA] = _json({"set": others, "unset": without})
    if details is not None:
        pairs[DETAILS] = details
    return "".join(f"{key}: {value}\n" for key, value in pairs.items()) + "EOT\n"


def _pairs(text: str) -> Iterator[dict[str, str]]:
    """Give the keys and values of each record; one without its end was not received whole."""
    pairs: dict[str, str] = {}
    details: list[str] | None = None
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        if line.rstrip() in ENDS:
            if details is not None:
                pairs[DETAILS] = "\n".join(details).rstrip()
            if pairs:
                yield pairs
            pairs, details = {}, None
        elif details is not None:
            details.append(line)
        elif line.strip():
            key, value = _pair(line, number)
            if key in pairs:
                raise ValueError(f"line {number}: {key} is said twice; EOT ends a record")
            if key == DETAILS:
                details = [value]
            else:
                pairs[key] = value
    if pairs or details is not None:
        raise ValueError("its last record is not whole: the line EOT that ends it is missing")


def _pair(line: str, number: int) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    if not colon or not KEY.fullmatch(key.strip()):
        raise ValueError(f"line {number} is no `key: value`: {line.strip()[:60]!r}")
    return key.strip(), value.strip()


def _document(pairs: Mapping[str, str], otherwise: str) -> Fields:
    if not any(key in pairs for key in (*FIELDS, STATUS, DATA)):
        raise ValueError(f"no key of a probe's record is there, only {', '.join(pairs)[:200]}")
    time = pairs.get(TIME, otherwise)
    if not time:
        raise ValueError(f"it has no {TIME}")
    content = [f"{key}={value}" for key, value in sorted(pairs.items()) if key != DATA]
    fields: Fields = {
        "@timestamp": told(time),
        "_id": identity("probe", *content, *([] if TIME in pairs else [time])),
        "document": "record",
        "version": 1,
    }
    for key, value in pairs.items():
        if key == STATUS:
            if value.upper() not in WORDS:
                raise ValueError(f"{STATUS} {value[:60]!r} is none of {', '.join(WORDS)}")
            fields["status"] = WORDS[value.upper()]
            if value.upper() == "WARNING":
                fields["severity"] = "warning"
        elif key not in (TIME, DATA):
            # A dot would make a parent of a key that may be a leaf too.
            name = FIELDS.get(key) or PREFIX + key.replace(".", "_")
            while name in fields:
                name += "_"
            fields[name] = value
    return _with_ours(fields, pairs[DATA]) if DATA in pairs else fields


def _with_ours(fields: Fields, data: str) -> Fields:
    try:
        ours = json.loads(data, parse_constant=_no_number)
        if not isinstance(ours["set"], dict):
            raise TypeError
        fields |= ours["set"]
        for key in ours["unset"]:
            fields.pop(key, None)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError(f"{DATA} is not what lakecheck writes there") from None
    for key in ("@timestamp", "_id", "document"):
        if not isinstance(fields.get(key), str) or not fields[key]:
            raise ValueError(f"{DATA} leaves the document without {key}")
    return fields


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _standard(document: Mapping[str, Any]) -> dict[str, str]:
    """Give the keys of the specification, as near as their one line each can tell it."""
    pairs: dict[str, str] = {}
    for key, field in FIELDS.items():
        names = (field, *INSTEAD.get(key, ()))
        value = next((line for name in names if (line := _line(document.get(name)))), "")
        if value:
            pairs[key] = value
    if "status" in document:
        status = STATUSES.get(_line(document["status"]), "UNKNOWN")
        warned = status == "OK" and document.get("severity") == "warning"
        pairs[STATUS] = "WARNING" if warned else status
    # The specification knows seconds.
    pairs[TIME] = told(document["@timestamp"])[:19] + "Z"
    for name, value in document.items():
        key = name.removeprefix(PREFIX)
        taken = (*pairs, STATUS, DETAILS, DATA)
        if name.startswith(PREFIX) and KEY.fullmatch(key) and key not in taken:
            pairs[key] = _line(value)
    details = document.get(PREFIX + DETAILS, document.get("error.message"))
    if isinstance(details, str):
        pairs[DETAILS] = _details(details)
    return pairs


def _same(one: Any, other: Any) -> bool:
    """Say whether values are the same as JSON: 1, 1.0 and true are equal in Python."""
    return one == other if type(one) is type(other) is str else _json(one) == _json(other)


def _line(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else _json(value)
    return _CONTROL.sub(" ", _sound(text)).strip()


def _details(text: str) -> str:
    first, *more = _CONTROL_IN_DETAILS.sub(" ", _sound(text)).split("\n")
    # A line that would end the record is moved in.
    safe = [f" {line}" if line.rstrip() in ENDS else line for line in more]
    return "\n".join([first.strip(), *safe]).rstrip()


def _sound(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()  # halves of characters cannot be sent
