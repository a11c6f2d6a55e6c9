"""Events that Rucio's hermes publishes: `{"event_type", "payload", "created_at"}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from lakecheck.documents.foreign.fields import (
    NotUnderstood,
    canonical,
    end,
    event,
    failure,
    flat,
    link,
    measured,
    moment,
    number,
    or_text,
    text,
    whole,
)
from lakecheck.documents.result import Document

SOURCE = "rucio"
MOVES = ("transfer", "stagein", "stageout")  # requests that go from one RSE to another
DELETION = "deletion"
# What an event's name ends in, where it tells an outcome.
OUTCOMES = {"done": "passed", "failed": "failed", "submission_failed": "failed", "lost": "failed"}
NOT_THE_STORAGE = ("submission_failed", "lost")  # FTS or Rucio failed here
# Keys that become fields. `transfer_link` and `transfer-link` are both in use.
MOVED = (
    *("src-rse", "dst-rse", "protocol", "reason", "vo"),
    *("transfer-id", "transfer_link", "transfer-link"),
)
DELETED = ("rse", "protocol", "reason", "vo")
# Keys that are kept as they are unless they became this field.
BECOME = {"bytes": "size", "file-size": "size", "duration": "duration"}
NONE = object()


def is_event(body: Mapping[str, Any]) -> bool:
    """Say whether an object is an event of hermes."""
    return isinstance(body.get("event_type"), str) and "payload" in body


def document(body: Mapping[str, Any], headers: Mapping[str, str]) -> Document:
    """Make a document of an event; raises NotUnderstood."""
    kind = text(body["event_type"]).lower()
    payload = _payload(body["payload"], kind)
    time = moment(body.get("created_at"), f"Rucio's {kind}", headers)
    # Rucio gives each service that it tells a message of its own, with an id of its own.
    made = event(SOURCE, kind, time, time, canonical(payload))
    subject, _, outcome = kind.partition("-")
    mapped: tuple[str, ...] = ()
    if subject in MOVES or subject == DELETION:
        mapped = DELETED if subject == DELETION else MOVED
        made |= _deleted(payload) if subject == DELETION else _moved(payload)
        made |= _measured(payload, OUTCOMES.get(outcome), subject) | _outcome(outcome, payload)
        if vo := text(payload.get("vo")):
            made["vo"] = vo
    rest = {
        key: or_text(value) if key.endswith("_at") else value
        for key, value in payload.items()
        if not (key in mapped and isinstance(value, str))
        and not (mapped and key in BECOME and made.get(BECOME[key], NONE) == number(value))
    }
    more = {"message-id": body.get("id"), "services": body.get("services")}
    return made | flat(SOURCE, {**more, **rest})


def _payload(payload: Any, kind: str) -> dict[str, Any]:
    if isinstance(payload, str):  # as Rucio's database has it
        try:
            payload = msgspec.json.decode(payload)
        except (ValueError, RecursionError):
            payload = None
    if not isinstance(payload, dict):
        raise NotUnderstood(f"the payload of Rucio's {kind} is no JSON object")
    return payload


def _moved(payload: Mapping[str, Any]) -> Document:
    source = end("source", payload.get("src-url"), rse=payload.get("src-rse"))
    destination = end("destination", payload.get("dst-url"), rse=payload.get("dst-rse"))
    service = payload.get("transfer-endpoint")
    fields = {
        "service": _host(service),
        "job.id": text(payload.get("transfer-id")),
        "job.url": text(payload.get("transfer-link") or payload.get("transfer_link")),
    }
    return {
        **link(source, destination),
        **{name: value for name, value in fields.items() if value},
        **_protocol(payload),
    }


def _deleted(payload: Mapping[str, Any]) -> Document:
    where = end("at", payload.get("url"), rse=payload.get("rse"))
    return {
        **{name.removeprefix("at."): value for name, value in where.items()},
        **_protocol(payload),
    }


def _measured(payload: Mapping[str, Any], status: str | None, subject: str) -> Document:
    sizes = (payload.get(name) for name in ("bytes", "file-size"))
    size = next((found for each in sizes if (found := whole(each)) is not None), None)
    moved = size if status == "passed" else None
    fields = measured(size, moved, number(payload.get("duration")))
    if subject == DELETION:  # takes its time however large a file is
        fields.pop("throughput", None)
    return fields


def _protocol(payload: Mapping[str, Any]) -> Document:
    told = text(payload.get("protocol"))
    return {"protocol": told} if told else {}


def _outcome(outcome: str, payload: Mapping[str, Any]) -> Document:
    reason = payload.get("reason")
    words = text(reason)
    status = OUTCOMES.get(outcome)
    if status == "failed":
        side = "service" if outcome in NOT_THE_STORAGE else ""
        return {"status": status, **failure(reason if isinstance(reason, str) else "", side)}
    fields: Document = {"status": status} if status else {}
    if outcome == "not-found":
        # Gone is what was wanted, though something else removed it.
        fields |= {"status": "passed", "severity": "warning"}
    return {**fields, "reason": words} if words else fields


def _host(url: Any) -> str:
    try:
        return urlsplit(url).hostname or "" if isinstance(url, str) else ""
    except ValueError:
        return ""
