"""One `_bulk` request: its lines, and what the answer says of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from lakecheck.sinks.base import Rejection, SinkTrouble
from lakecheck.sinks.search_trouble import Answer, of_status, stranger
from lakecheck.units import show_size

# Each item's status, so that errors have their places; nothing else of what went well. A shard
# that is not there is told before we would have waited too long.
_PATH = "_bulk?filter_path=errors,items.*.status,items.*.error&timeout={}ms"
# Errors with status 400 that are the document's; all others are somebody's settings, such as
# validation_exception for too many shards.
_OF_DOCUMENT = re.compile(
    r"(mapper(_parsing)?|document_parsing|strict_dynamic_mapping|parse|parsing|x_content_parse"
    r"|json_\w+|action_request_validation|illegal_argument)_exception"
)
_OF_SETTINGS = re.compile("data stream|pipeline|alias|shards|op_type|index name", re.IGNORECASE)
_PRESSURE = re.compile(r"operation_bytes=(\d+), max_coordinating_and_primary_bytes=(\d+)")


def path(timeout: float) -> str:
    """Give where requests go that wait `timeout` seconds for an answer."""
    return _PATH.format(int(timeout * 800))


class Line(Struct, frozen=True, gc=False):
    """A document ready to be sent, by its place in the batch."""

    place: int
    target: str  # index
    data: bytes  # action and document, each with its newline


class Verdict(Struct):
    """What came of the lines of a request that are not stored."""

    rejected: list[Rejection] = field(default_factory=list)
    again: list[Line] = field(default_factory=list)  # may go well the next time
    absent: set[str] = field(default_factory=set)  # indices that have to be created
    crowded: set[str] = field(default_factory=set)  # indices that have too many fields
    reason: str = ""


def judge(answer: Answer, lines: Sequence[Line], user: str) -> Verdict:
    """Read the answer to a request that was taken as a whole; raises SinkTrouble."""
    content = answer.content
    if not isinstance(content, dict) or not isinstance(content.get("errors"), bool):
        raise stranger(answer)
    verdict = Verdict()
    if not content["errors"]:
        return verdict
    items = content.get("items")
    if not isinstance(items, list) or len(items) != len(lines):
        raise SinkTrouble(f"{answer.url}: it answers for other documents than were sent")
    for line, item in zip(lines, items, strict=True):
        (operation, said), *_ = item.items()
        if said.get("error"):
            _judge_item(answer, line, operation, said, user, verdict)
    return verdict


def _judge_item(
    answer: Answer, line: Line, operation: str, said: dict[str, Any], user: str, verdict: Verdict
) -> None:
    error = said["error"] if isinstance(said["error"], dict) else {"reason": str(said["error"])}
    one = Answer(answer.url, int(said.get("status", 500)), error=error)
    reason = one.reason
    if one.status == 409 and operation == "create":
        return  # it is there already
    if one.status == 429 and "block" not in one.type:
        verdict.again.append(line)
        verdict.reason = reason
    elif one.type == "index_not_found_exception":
        verdict.absent.add(line.target)
        verdict.again.append(line)
        verdict.reason = reason
    elif "Limit of total fields" in reason:
        verdict.crowded.add(line.target)
        verdict.again.append(line)
        verdict.reason = reason
    elif one.status == 400 and is_documents(one):
        verdict.rejected.append(Rejection(line.place, reason))
    else:
        raise of_status(one, user, known=True)


def is_documents(error: Answer) -> bool:
    """Say whether a refusal with status 400 is because of what the document says."""
    settings = _OF_SETTINGS.search(error.reason) and error.type == "illegal_argument_exception"
    return bool(_OF_DOCUMENT.fullmatch(error.type)) and not settings


def is_too_large(answer: Answer, size: int) -> bool:
    """Say whether a request of that many bytes can never be taken."""
    if answer.status == 413:
        return True
    if answer.status != 429:
        return False
    pressure = _PRESSURE.search(answer.reason)
    if pressure:
        return int(pressure[1]) > int(pressure[2])
    limit = answer.error.get("bytes_limit")
    return isinstance(limit, int) and size > limit


def too_large(line: Line) -> Rejection:
    """Reject a document that is too large by itself."""
    size = show_size(len(line.data))
    return Rejection(line.place, f"with {size} it is more than the server takes at once")
