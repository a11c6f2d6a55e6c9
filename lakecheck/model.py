"""The nouns of lakecheck, frozen: what a spec, a plan and a run are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct, field

Status = Literal["passed", "failed", "error", "skipped", "blocked", "not_run"]
Mode = Literal["pull", "push"]
Algorithm = Literal["adler32", "md5"]
Scalar = str | int | float | bool


class DriverChoice(Struct, frozen=True):
    """Which driver a spec asks for (`gfal2`, `native`, `memory`, …), with its own options."""

    name: str = "gfal2"
    options: Mapping[str, Any] = field(default_factory=dict)


NO_DRIVER = DriverChoice("")


class Endpoint(Struct, frozen=True, cache_hash=True, eq=True):
    """One way into an RSE: `scheme://host:port/prefix`."""

    rse: str
    url: str  # as written, without a slash at the end
    scheme: str
    host: str
    port: int
    path: str  # the prefix, as written
    protocol: str  # the scheme, or `davs-2` for the second endpoint of one scheme
    checksum: Literal["auto", "adler32", "md5", "none"] = "auto"
    tpc: tuple[Mode, ...] = ("pull", "push")
    ca: str = ""  # folder or bundle; empty: the machine's own

    @property
    def address(self) -> str:
        """`scheme://host:port`, without the prefix."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def algorithm(self) -> Algorithm:
        """Checksum to ask it for."""
        return "md5" if self.checksum == "md5" else "adler32"


class RSE(Struct, frozen=True):
    """A named storage with its endpoints."""

    name: str
    endpoints: tuple[Endpoint, ...]
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    credential: str = "none"
    driver: DriverChoice | None = None  # None: what the test says
    origin: str = ""  # `file:line` or the catalogue it came from


class Secret(str):
    """A text that is used and never shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Give stars."""
        return "'***'" if self else "''"


class Credential(Struct, frozen=True, cache_hash=True):
    """Who we are: nobody, the holder of an X.509 proxy or of a token, or a user with a password."""

    name: str = "none"
    kind: Literal["none", "x509", "token", "userpass"] = "none"
    proxy: str = ""  # path of the proxy file
    token: str = ""  # path of the token's file
    username: str = ""
    password: Secret = Secret()


NOBODY = Credential()


class Condition(Struct, frozen=True):
    """One parsed condition of `expect`; `step` limits it to one check, `tree` is its syntax."""

    text: str
    step: str
    tree: Any


class ServiceChoice(Struct, frozen=True):
    """One entry of `services:`; `options` holds the keys of its kind, decoded."""

    name: str
    kind: str  # such as fts
    options: Any
    url: str = ""
    credential: str = "none"
    ca: str = ""  # folder or bundle; empty: the machine's own
    origin: str = ""  # `file:line`


class Comparison(Struct, frozen=True):
    """Two catalogues that shall agree; `known` and `left_out` tell which RSEs are no surprise."""

    sides: tuple[Any, ...]  # as spec.operands.Operand
    known: frozenset[str] = frozenset()
    left_out: tuple[str, ...] = ()  # names and globs


class Test(Struct, frozen=True):
    """A named entry of `tests:`; `options` holds the keys of its kind, decoded.

    `service` is the one that `via:` names; None where nothing stands between us and storages.
    `services` are those that it asks for their own sake: all of the spec, or what `of:` names.
    `comparison` is what `between:` names.
    """

    name: str
    kind: str
    options: Any
    on: str = "*"
    every: float | None = None  # seconds
    timeout: float = 60.0  # seconds, of a whole case
    driver: DriverChoice = DriverChoice()
    expect: tuple[Condition, ...] = ()
    allow_empty: bool = False
    service: ServiceChoice | None = None
    services: Mapping[str, ServiceChoice] = field(default_factory=dict)
    beneath: ServiceChoice | None = None  # an FTS under the service, to be tried where that fails
    comparison: Comparison | None = None
    origin: str = ""  # `file:line`

    __test__ = False  # pytest: this is no test class


class Inventory(Struct, frozen=True):
    """The RSEs under test, by name, in the order in which they were declared."""

    rses: Mapping[str, RSE]
    digest: str = ""


class SinkChoice(Struct, frozen=True):
    """One entry of `publish:` or `consume:`; `options` holds its keys, decoded.

    `unset` names the environment variables that it needs and that are not set.
    """

    name: str  # of the sink, or `opensearch-2` for the second of one sort
    sink: str
    options: Any
    unset: tuple[str, ...] = ()
    origin: str = ""  # `file:line`


class Spec(Struct, frozen=True):
    """What the YAML files say, decoded."""

    name: str
    inventory: Inventory
    credentials: Mapping[str, Credential]
    tests: Mapping[str, Test]
    publish: tuple[SinkChoice, ...] = ()
    consume: tuple[SinkChoice, ...] = ()
    services: Mapping[str, ServiceChoice] = field(default_factory=dict)
    files: tuple[str, ...] = ()  # every file that was read, includes too
    digest: str = ""


class Case(Struct, frozen=True, eq=False):
    """One cell of a test's matrix, executed as one piece.

    `endpoint` is the destination of a link; `source` is None where there is no link.
    """

    test: Test
    id: str  # such as `DESY-DCACHE.davs.100B.robot`
    place: str  # an RSE, or `SRC~DST`
    steps: tuple[str, ...]
    endpoint: Endpoint | None = None
    source: Endpoint | None = None
    size: int = 0
    mode: Mode | None = None
    credential: str = "none"
    driver: DriverChoice = DriverChoice()
    every: float | None = None  # seconds; None: the test's
    skip: str = ""  # why it is planned but not run
    files: int = 1  # of its size
    needs: tuple[Case, ...] = ()  # cases that must have passed before it starts
    ways: tuple[tuple[Endpoint, Endpoint], ...] = ()  # pairs of ends, to be tried where it fails
    experiment: str = ""  # whose share of its RSE it is about, if it is about one's
    asks: str = ""  # credential that the test's service is asked with; empty: it has no service
    service: str = ""  # what it asks for its own sake, by name
    task: Any = None  # what its kind has worked out for its probe

    @property
    def driven(self) -> bool:
        """Whether a driver speaks to its endpoint; else that is only named, and proves nothing."""
        return bool(self.driver.name)

    @property
    def credentials(self) -> tuple[str, ...]:
        """Names of all credentials that it uses, towards storages and services."""
        return (self.credential, self.asks) if self.asks else (self.credential,)

    @property
    def address(self) -> str:
        """`TEST::CASE`."""
        return f"{self.test.name}::{self.id}"

    @property
    def checks(self) -> tuple[str, ...]:
        """Addresses of its checks, in the order of their steps."""
        return tuple(f"{self.test.name}::{self.id}.{step}" for step in self.steps)


class Step(Struct, frozen=True):
    """One check of a kind: the steps it needs, and whether it runs as a finaliser."""

    name: str
    needs: tuple[str, ...] = ()
    finaliser: bool = False
    diagnosed: bool = False  # where it fails, the kind's diagnosis tells more


class Traffic(Struct, frozen=True):
    """Bytes that a case writes into and reads from RSEs, and transfers it starts."""

    ingress: Mapping[str, int]
    egress: Mapping[str, int]
    transfers: int = 0


class Field(Struct, frozen=True):
    """One field that a kind adds to documents, named without its `KIND.` prefix.

    A name with a dot is the whole one: where `KIND` is a field itself, nothing can stand below it.
    """

    name: str
    type: Literal["keyword", "text", "long", "double", "boolean", "numbers", "nested"]
    meaning: str

    def of(self, kind: str) -> str:
        """Give its name in documents; of `numbers`, the one below which doubles stand."""
        return self.name if "." in self.name else f"{kind}.{self.name}"


def _a_minute(_: Any) -> float:
    return 60.0


class Kind(Struct, frozen=True):
    """A sort of test: its options, steps, cases, traffic and document fields; all pure.

    `probe` names, as `module:object`, what executes its cases; it is imported when used.
    """

    name: str
    title: str
    options: type[Struct]
    steps: tuple[Step, ...]
    cases: Callable[[Test, Inventory], Iterator[Case]]
    traffic: Callable[[Case], Traffic]
    probe: str
    fields: tuple[Field, ...] = ()
    declarable: bool = True  # may stand in `tests:`
    skips: Callable[[Case], Mapping[str, str]] | None = None  # step that will be skipped → why
    diagnosis: str = ""  # `module:object`, as of a probe: what says which level is broken
    services: tuple[str, ...] = ()  # kinds of services that its `via:` may name
    timeout: Callable[[Any], float] = _a_minute  # seconds of a case whose test names none
    driven: bool = True  # drivers speak to storages for it
    located: Callable[[Any, Path], Any] | None = None  # its options, with paths seen from a folder
    repeat: Callable[[Case, str, Credential], list[str]] | None = None  # a step, done by hand


class SinkKind(Struct, frozen=True):
    """A sort of sink: its options, and what opens it; all pure.

    `sink` names, as `module:object`, what makes a sink of the options; it is imported when used.
    `target` says where the documents go, without secrets: where that changes, all go there anew.
    """

    name: str
    title: str
    options: type[Struct]
    sink: str
    target: Callable[[Any], str]


class ServiceKind(Struct, frozen=True):
    """A sort of service that tests go through: its options, and what opens it; all pure.

    `driver` names, as `module:object`, what makes a client; it is imported when used.
    """

    name: str
    title: str
    options: type[Struct]
    driver: str


class SourceKind(Struct, frozen=True):
    """A sort of source for `consume:`; `source` names what opens one, as a sink's does."""

    name: str
    title: str
    options: type[Struct]
    source: str
    target: Callable[[Any], str]  # where the messages come from, without secrets
