"""FTS: what a spec says of one, and the words in which jobs are told; all pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from lakecheck.model import ServiceKind

# https://fts3-docs.web.cern.ch/fts3-docs/docs/state_machine.html
UNFINISHED = ("STAGING", "SUBMITTED", "READY", "STARTED", "ACTIVE", "ARCHIVING", "ON_HOLD")
WAITING = ("STAGING", "SUBMITTED", "READY", "ON_HOLD")  # nothing is being copied yet
ENDED = ("FINISHED", "FAILED", "FINISHEDDIRTY", "CANCELED")

Verify = Literal["both", "source", "target", "none"]


class Options(Struct, frozen=True):
    """Keys of an FTS."""

    at_once: Annotated[int, Meta(description="Jobs of one run in flight at once.")] = 500
    monitor: Annotated[
        str,
        Meta(description="FTS monitor, to which documents link: https://host:8449/fts3/ftsmon."),
    ] = ""

    logs: Annotated[
        str,
        Meta(description="Where logs of copies are; https://HOST:8449 of who copied by default."),
    ] = ""

    def __post_init__(self) -> None:
        """Check what can be wrong."""
        if self.at_once < 1:
            raise ValueError("at_once: at least one job must be in flight")


class Copy(Struct, frozen=True):
    """One file of a job."""

    source: str
    destination: str


class Submission(Struct, frozen=True):
    """One job: files of one link, and how they shall be copied; `key` makes its id."""

    key: str
    copies: tuple[Copy, ...]
    checksum: str = "ADLER32"  # algorithm, where anything is verified
    verify: Verify = "both"
    overwrite: bool = False
    retry: int = 0
    priority: int | None = None
    activity: str = ""
    bring_online: int | None = None  # s
    pin: int | None = None  # s
    longest: int | None = None  # s that a copy may take
    metadata: Mapping[str, Any] = field(default_factory=dict)
    file_metadata: Mapping[str, Any] = field(default_factory=dict)


class FileReport(Struct, frozen=True):
    """What FTS says of one file; times in seconds since 1970, durations in seconds."""

    state: str
    source: str
    destination: str
    reason: str = ""
    size: int = 0
    started: float | None = None
    finished: float | None = None
    took: float | None = None
    log: str = ""
    staged: float | None = None  # seconds that bringing it online took


class JobReport(Struct, frozen=True):
    """What FTS says of one job; `lost` where it knows of none."""

    id: str
    state: str
    reason: str = ""
    submitted: float | None = None
    finished: float | None = None
    files: tuple[FileReport, ...] = ()
    lost: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.lost or self.state in ENDED


KIND = ServiceKind(
    name="fts",
    title="FTS3, which copies files between storages",
    options=Options,
    driver="lakecheck.drivers.fts_session:FTS",
)
