"""What tests of the light client share."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

PASSWORD = "s3cret/w@rd"
ENCODED = "s3cret%2Fw%40rd"


def nobody() -> str:
    """Give the URL of a broker that is not there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"stomp://127.0.0.1:{taken.getsockname()[1]}/topic/probes"


def with_login(url: str, user: str = "probe", password: str = ENCODED) -> str:
    return url.replace("://", f"://{user}:{password}@")


def waiting(spool: Path) -> list[dict[str, Any]]:
    """Give the records that wait, in files of one or of a line each."""
    lines = [line for path in sorted(spool.glob("*json")) for line in path.read_text().split("\n")]
    return [json.loads(line) for line in lines if line]


def values(records: list[dict[str, Any]]) -> list[Any]:
    return [record["n"] for record in records]
