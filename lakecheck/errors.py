"""Every error of lakecheck, told apart by what the reader can do about it.

LakecheckError
├── UsageError          the command line or an option is wrong: exit code 4
│   └── SpecError       a spec does not validate: exit code 4
├── EmptySelection      nothing was selected: exit code 5
├── CatalogueError      a catalogue is silent, and there is no lock to plan from: exit code 10
├── JournalError        documents could not be kept: exit code 10
└── DriverError         what a storage, a network or the tester answered
    ├── Unreachable
    ├── TimedOut
    ├── Denied
    ├── BadCredential
    ├── TlsFailed
    ├── Missing
    ├── Exists
    ├── Full
    ├── Corrupt
    ├── Unsupported
    ├── Overloaded
    ├── ProtocolError
    ├── TesterFailed
    └── Unclassified
"""

from __future__ import annotations

from typing import ClassVar, Literal

from msgspec import Struct

ErrorClass = Literal[
    "unreachable",
    "timeout",
    "denied",
    "credential",
    "access",
    "tls",
    "missing",
    "exists",
    "full",
    "checksum",
    "unsupported",
    "overloaded",
    "protocol",
    "tester",
    "unknown",
]
Side = Literal["source", "destination", "storage", "transfer", "network", "service", "tester"]


class LakecheckError(Exception):
    """The base of all errors that are shown to people as sentences, never as tracebacks."""


class UsageError(LakecheckError):
    """A command line, an option or an input file that cannot be used as given."""


class Fault(Struct, frozen=True, order=True):
    """One mistake in a spec, with its place (line and column count from 1; 0 is unknown)."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        """Give `file:line:column: message`, as editors and compilers understand it."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class SpecError(UsageError):
    """All mistakes of a spec at once."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class EmptySelection(LakecheckError):
    """No check is left after selection."""


class CatalogueError(LakecheckError):
    """The inventory's catalogue could not be read, and no lock of it can serve instead."""


class JournalError(LakecheckError):
    """Documents could not be written anywhere."""


class DriverError(LakecheckError):
    """What went wrong between us and a storage, in the closed list of classes.

    `code` is the library's or protocol's own number, `phase` the part of the operation,
    `host` the machine that the protocol names, `side` whose promise was broken.
    """

    error_class: ClassVar[ErrorClass] = "unknown"
    default_side: ClassVar[Side] = "storage"

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        side: Side | None = None,
        phase: str | None = None,
        host: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.side: Side = side or self.default_side
        self.phase = phase
        self.host = host


class Unreachable(DriverError):
    """Nothing listens there, or the name does not resolve."""

    error_class = "unreachable"


class TimedOut(DriverError):
    """No answer within the time that was allowed."""

    error_class = "timeout"


class Denied(DriverError):
    """Refused although the credential is sound, or where none should be needed."""

    error_class = "denied"


class BadCredential(DriverError):
    """Our credential is missing, expired or not accepted as one."""

    error_class = "credential"
    default_side = "tester"


class TlsFailed(DriverError):
    """The server's certificate is not trusted or the handshake broke."""

    error_class = "tls"


class Missing(DriverError):
    """The file or folder is not there."""

    error_class = "missing"


class Exists(DriverError):
    """The file is there already."""

    error_class = "exists"


class Full(DriverError):
    """No space or no quota is left."""

    error_class = "full"


class Corrupt(DriverError):
    """Content, size or checksum is not what was written."""

    error_class = "checksum"


class Unsupported(DriverError):
    """The storage says that it does not offer this."""

    error_class = "unsupported"


class Overloaded(DriverError):
    """The server says that it is busy."""

    error_class = "overloaded"


class ProtocolError(DriverError):
    """An answer that does not fit the protocol, or a server's internal error."""

    error_class = "protocol"


class TesterFailed(DriverError):
    """Our own installation failed: a worker crashed, a library is missing."""

    error_class = "tester"
    default_side = "tester"
    __test__ = False  # pytest: this is no test class


class Unclassified(DriverError):
    """An error that no rule knows; the raw text tells."""


DRIVER_ERRORS: dict[ErrorClass, type[DriverError]] = {
    kind.error_class: kind
    for kind in (
        Unreachable,
        TimedOut,
        Denied,
        BadCredential,
        TlsFailed,
        Missing,
        Exists,
        Full,
        Corrupt,
        Unsupported,
        Overloaded,
        ProtocolError,
        TesterFailed,
        Unclassified,
    )
}
