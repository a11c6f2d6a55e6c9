"""What the transfer service is told at its start, in one JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct


class Config(Struct, frozen=True):
    """Ports, files and limits of one transfer service."""

    https: int
    plain: int
    certificate: str
    key: str
    ca: str  # folder, of storages and of clients
    database: str
    logs: str  # folder
    credentials: str  # folder of delegated proxies
    fault: str  # file that tells how to misbehave
    control: str  # secret of those who may set a fault over HTTP
    tokens: Mapping[str, str]  # bearer token: its subject
    proxy: str = ""  # for jobs of callers who delegate none
    gsi: bool = False  # all storages want X.509, and not only gsiftp
    capacity: int = 32  # files at a time
    per_storage: int = 8
    per_link: int = 4
    timeout: float = 600.0  # seconds for a file, where the submission names none
    staging: float = 0.3  # seconds that bringing a file online takes


def read(path: Path) -> Config:
    """Read the file."""
    return msgspec.json.decode(path.read_bytes(), type=Config)
