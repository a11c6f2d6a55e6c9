"""What a driver must offer; everything else in lakecheck sees storages only through this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Protocol

from msgspec import Struct

from lakecheck.errors import DriverError
from lakecheck.model import (
    Algorithm,
    Credential,
    DriverChoice,
    Endpoint,
    Mode,
    ServiceChoice,
)

# The run's local folder while a session is opened; None: the machine's own for such files.
SCRATCH: ContextVar[str | None] = ContextVar("SCRATCH", default=None)


class Payload(Struct, frozen=True):
    """A local file to upload, with what its copies must look like."""

    path: str
    size: int
    adler32: str  # 8 hex digits, lower case
    md5: str


class Stat(Struct, frozen=True):
    """What a storage says of one name; `modified` in seconds since 1970 where it is told."""

    size: int
    is_folder: bool = False
    modified: float | None = None


class Entry(Struct, frozen=True):
    """One name in a folder."""

    name: str
    is_folder: bool = False


class Copied(Struct, frozen=True):
    """How a third-party copy went: who moved the bytes, and what was compared.

    `mode` is what really happened; `streamed` is true where bytes went through the client.
    `verified` names the checksum that both ends agreed on, or `size`.
    """

    mode: Mode
    verified: str
    streamed: bool = False


class Storage(Protocol):
    """One endpoint, connected with one credential.

    Every call raises a DriverError and nothing else. A cancelled call ends at once and leaves
    nothing running; where a native library does not let go, its worker process is killed.
    URLs are complete (`davs://host:1234/prefix/lakecheck/name`).
    """

    endpoint: Endpoint

    async def put(self, url: str, payload: Payload, fresh: bool = False) -> None:
        """Upload; makes missing folders; Exists where the name is taken.

        A `fresh` name is this run's own and cannot be taken: it need not be looked up first.
        """

    async def get(self, url: str, payload: Payload | None = None, into: str | None = None) -> int:
        """Download, give the bytes read; Corrupt where content differs from the payload's.

        With `into`, the content is left in that local file.
        """

    async def stat(self, url: str) -> Stat:
        """Size and type of a name; Missing where there is none."""

    async def checksum(self, url: str, algorithm: Algorithm) -> str:
        """Hex digits, lower case, as the storage tells them; Unsupported where it cannot."""

    async def delete(self, url: str) -> None:
        """Remove a file, or an empty folder; Missing where there is none."""

    async def list(self, url: str) -> tuple[Entry, ...]:
        """Names in a folder, sorted."""

    async def mkdir(self, url: str) -> None:
        """Make a folder and its parents; no error where it is there already."""


class Copier(Protocol):
    """Third-party copies between two endpoints, asked for with one credential."""

    async def copy(
        self, source: str, destination: str, mode: Mode, algorithm: Algorithm | None, size: int
    ) -> Copied:
        """Let the storages copy, then compare checksums (or, with None, sizes).

        Never falls back to streaming: Unsupported where no third-party copy is possible.
        Missing folders at the destination are made. Corrupt where the ends differ.
        """


class Session(Protocol):
    """A driver at work for one run, on one event loop."""

    def storage(self, endpoint: Endpoint, credential: Credential, timeout: float) -> Storage:
        """Connect (lazily) to an endpoint; `timeout` in seconds bounds the library's own waits."""

    def copier(
        self, source: Endpoint, destination: Endpoint, credential: Credential, timeout: float
    ) -> Copier:
        """Prepare third-party copies over one link."""

    async def close(self) -> None:
        """End every connection and worker process."""


class Leftover(Struct, frozen=True):
    """Something at a service that a run of lakecheck has created: `name` is the service's own.

    `key` begins with the run, as names of files do; after `until` (seconds since 1970) nobody
    waits for it any more.
    """

    sort: str
    name: str
    key: str
    until: float

    def of(self, run_id: str) -> bool:
        """Whether it is a run's."""
        return self.key.startswith(f"{run_id}-")


class Service(Protocol):
    """A service that tests go through, asked with one credential, for one run.

    Every call raises a DriverError and nothing else.
    """

    choice: ServiceChoice

    @property
    def silence(self) -> DriverError | None:
        """Why it does not answer at the moment, if it does not."""

    async def ready(self) -> None:
        """Wait until it has answered once, for a while."""

    async def undo(self, sort: str, name: str) -> None:
        """End or remove what a run created there (`job`, `rule`); no error where it is gone."""

    async def unfinished(self, run_id: str = "") -> Sequence[Leftover]:
        """What runs of lakecheck have created there, with this credential, and may have left.

        With `run_id` only that run's; a service that can tell no others then gives these.
        """

    async def close(self) -> None:
        """End every connection."""


class Driver(Protocol):
    """One file that speaks one protocol or library; registered under `lakecheck.drivers`."""

    name: str
    schemes: tuple[str, ...]  # of endpoints it can speak to; ("*",) for any
    native: bool  # what `driver: native` may choose

    def open(self, options: DriverChoice) -> Session:
        """Begin a session; must be called on the event loop that will use it.

        Raises TesterFailed, naming the package to install, where a library is missing.
        """

    def tools(
        self,
        step: str,
        url: str,
        other: str,
        credential: Credential,
        ca: str,
        mode: Mode = "pull",
        algorithm: Algorithm = "adler32",
    ) -> str:
        """Shell command that repeats a step by hand (gfal-copy, curl, xrdcp).

        `step` is one of upload, stat, checksum, download, delete, copy; `other` is the local
        file, or the source URL of a copy; `mode` is a copy's, `algorithm` a checksum's.
        """

    def environment(self, step: str, credential: Credential, ca: str) -> Mapping[str, str]:
        """Environment variables that the commands for a step need."""
