"""FTS's monitoring messages: the start of a transfer, its end, and changes of state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakecheck.documents.foreign.fields import (
    SIDES,
    canonical,
    end,
    event,
    failure,
    flat,
    link,
    measured,
    moment,
    number,
    text,
    whole,
)
from lakecheck.documents.result import Document

SOURCE = "fts"
# Keys without which a message is none of this kind; a state has all that a start lacks.
NEEDED = {
    "complete": ("tr_id", "t_final_transfer_state"),
    "state": ("job_id", "file_state"),
    "start": ("transfer_id", "src_url", "dst_url"),
    "optimizer": ("source_se", "dest_se", "rationale"),
}
ENDED = {"Ok": "passed", "Error": "failed", "FINISHED": "passed", "FAILED": "failed"}
METHODS = {"certificate": "x509", "oauth2": "token"}
MAPPED = {
    *("endpnt", "job_id", "vo", "vo_name", "protocol", "log_link"),
    *("src_site_name", "dst_site_name", "t__error_message", "reason"),
}
# Keys that are kept as they are unless they became this field.
BECOME = {
    "throughput": "throughput",
    "transfer_time": "duration",
    "f_size": "size",
    "file_size": "size",
    "user_filesize": "size",
    "tr_bt_transfered": "bytes",
    "t_error_code": "error.code",
    "tr_error_scope": "error.side",
    "t_failure_phase": "error.phase",
}


def kind_of(body: Mapping[str, Any]) -> str:
    """Say which of FTS's messages an object is; empty where it is none."""
    for kind, needed in NEEDED.items():
        if all(key in body for key in needed):
            return kind
    return ""


def document(kind: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Document:
    """Make a document of a message; raises NotUnderstood."""
    time = body.get("tr_timestamp_complete") if kind == "complete" else body.get("timestamp")
    told = moment(time, f"FTS's {kind} message", headers)
    made = event(SOURCE, kind, told, *_own_id(kind, body, told))
    made |= _where(body)
    if kind in ("complete", "state"):
        made |= _measured(body) | _outcome(body)
    rest = {key: value for key, value in body.items() if not _mapped(key, value, made)}
    return made | flat(SOURCE, rest)


def _own_id(kind: str, body: Mapping[str, Any], time: str) -> tuple[str, ...]:
    """Give what FTS itself tells a message by; a retry has the same transfer id."""
    names = {
        "complete": ("tr_id", "file_id", "retry"),
        "start": ("transfer_id", "file_id"),
        "state": ("job_id", "file_id", "file_state", "retry_counter"),
    }
    if kind in names:
        return (*(str(body.get(name, "")) for name in names[kind]), time)
    return (canonical(body),)


def _where(body: Mapping[str, Any]) -> Document:
    both = link(
        _end("source", "src", "source_se", body), _end("destination", "dst", "dest_se", body)
    )
    fields = {
        "service": text(body.get("endpnt")),
        "vo": text(body.get("vo") or body.get("vo_name")),
        "job.id": text(body.get("job_id")),
        "job.url": text(body.get("log_link")),
        "protocol": text(body.get("protocol")),
        "auth_method": METHODS.get(str(body.get("auth_method")), ""),
        "transfer.mode": _mode(body.get("transfer_type")),
    }
    return both | {name: value for name, value in fields.items() if value}


def _end(side: str, short: str, element: str, body: Mapping[str, Any]) -> Document:
    metadata = body.get("file_metadata")
    rse = ""
    if isinstance(metadata, dict):  # Rucio says there which RSEs it means
        rse = metadata.get("src_rse" if short == "src" else "dst_rse") or (
            metadata.get("dest_rse", "") if short == "dst" else ""
        )
    url = body.get(f"{short}_url") or body.get(f"{short}_se") or body.get(element)
    return end(side, url, rse=rse, site=body.get(f"{short}_site_name"))


def _mode(told: Any) -> str:
    """Give the way of a third-party copy, which FTS tells as `3rd pull` or `3rd push`."""
    return next((mode for mode in ("pull", "push") if mode in str(told)), "")


def _measured(body: Mapping[str, Any]) -> Document:
    sizes = (body.get(name) for name in ("file_size", "f_size", "user_filesize"))
    size = next((found for each in sizes if (found := whole(each)) is not None), None)
    began, ended = number(body.get("tr_timestamp_start")), number(body.get("tr_timestamp_complete"))
    took = number(body.get("transfer_time"))
    if took is None and began and ended and ended >= began:
        took = ended - began
    moved = whole(body.get("tr_bt_transfered")) or (size if _status(body) == "passed" else None)
    fields = measured(size, moved, None if took is None else took / 1000)
    told = number(body.get("throughput"))
    return {**fields, "throughput": round(told)} if told else fields


def _status(body: Mapping[str, Any]) -> str:
    return ENDED.get(str(body.get("t_final_transfer_state", body.get("file_state"))), "")


def _outcome(body: Mapping[str, Any]) -> Document:
    status = _status(body)
    reason = body.get("t__error_message") or body.get("reason")
    words = reason if isinstance(reason, str) else ""
    if status == "failed":
        scope = SIDES.get(str(body.get("tr_error_scope")).upper(), "")
        phase = text(body.get("t_failure_phase"))
        fields = failure(words, scope, whole(body.get("t_error_code")) or None)
        return {"status": status, **fields, **({"error.phase": phase} if phase else {})}
    fields = {"status": status} if status else {}
    return {**fields, "reason": text(words)} if words else fields


def _mapped(key: str, value: Any, made: Document) -> bool:
    """Say whether a key is among the fields already; what is no text did not become one."""
    if key in BECOME:
        return BECOME[key] in made
    return key in MAPPED and isinstance(value, str)
