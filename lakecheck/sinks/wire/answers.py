"""What a STOMP broker's refusals mean, in sentences and in what can be done."""

from __future__ import annotations

import re

from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.wire.frames import Frame

_TOO_LARGE = re.compile(r"maximum (frame|data|header) (size|length) was exceeded|exceeds max", re.I)
_LOGIN = re.compile(r"password is invalid|SecurityException|Authentication failed|Access refused")
_HELD = re.compile(r"InvalidClientID|already connected from|Durable consumer is in use")
_RIGHT = re.compile(r"not authorized|unauthorized|access_refused|permission", re.I)
_FULL = re.compile(r"(Store|Temp|Memory|Usage Manager)\b.*(is full|limit|Full)|no space", re.I)


class TooLarge(SinkTrouble):
    """A frame is larger than the broker takes; it has closed the connection."""


class Held(SinkTrouble):
    """Somebody else has the client id or durable subscription that we want."""


def message_of(frame: Frame) -> str:
    """Give what an ERROR frame says, in one line."""
    said = frame.headers.get("message", "") or frame.body.decode("utf-8", "replace")
    return " ".join(said.split())[:500] or "it gives no reason"


def trouble_of(name: str, frame: Frame, user: str = "") -> SinkTrouble:
    """Say what an ERROR frame means."""
    said = message_of(frame)
    if _TOO_LARGE.search(said):
        return TooLarge(f"{name} takes no frames of that size: {said}")
    if _HELD.search(said):
        return Held(
            f"{name}: another consumer holds the subscription ({said}); it is free once that one "
            "ends, or no longer answers heart-beats"
        )
    if _LOGIN.search(said):
        who = f'the user "{user}"' if user else "us without a user"
        return SinkTrouble(f"{name} refuses {who} ({said}); check user and password", lasting=True)
    if _RIGHT.search(said):
        return SinkTrouble(
            f"{name}: a right is missing ({said}); check destination and user", lasting=True
        )
    if _FULL.search(said):
        return SinkTrouble(
            f"{name} has no space left ({said}); its consumers are slow or away, or its limits "
            "are too low"
        )
    return SinkTrouble(f"{name} refuses: {said}")
