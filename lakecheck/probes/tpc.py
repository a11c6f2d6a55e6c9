"""Third-party copies between all links: the storages move the bytes, we or FTS only ask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from lakecheck.model import (
    RSE,
    Case,
    Endpoint,
    Field,
    Inventory,
    Kind,
    Mode,
    Scalar,
    ServiceChoice,
    Step,
    Test,
    Traffic,
)
from lakecheck.plan import matrix, mesh
from lakecheck.probes.functional import Sizes, each_size
from lakecheck.spec.names import RSEName
from lakecheck.spec.scalar_shapes import Text
from lakecheck.spec.services import DIRECT
from lakecheck.units import Duration, Size

STEPS = (Step("copy", diagnosed=True),)
OF_FTS = (
    *("files", "jobs", "overwrite", "retry", "priority", "activity"),
    *("metadata", "file_metadata", "bring_online", "pin", "diagnose"),
)
PUSH = frozenset({"davs", "dav"})  # families in which a source can send


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of a third-party-copy test."""

    protocols: Annotated[
        tuple[str, ...], Meta(description="Protocols to test; all that both ends share by default.")
    ] = ()
    sizes: Annotated[Sizes, Meta(description="File sizes; a map gives each its own frequency.")] = (
        Size(1_000_000),
    )
    credentials: Annotated[
        tuple[str, ...], Meta(description="Credentials to test with; the RSE's own by default.")
    ] = ()
    via: Annotated[
        str,
        Meta(
            extra={"shape": Text("direct, or the name of a service", refers="service")},
            description="Who asks the storages to copy: direct is lakecheck, else an FTS by name.",
        ),
    ] = "direct"
    mesh: Annotated[
        Literal["full", "ring"] | dict[Literal["star"], RSEName],
        Meta(description="Which links: full, ring, or {star: RSE}."),
    ] = "full"
    modes: Annotated[
        tuple[Mode, ...],
        Meta(description="pull: the destination fetches; push: the source sends (davs only)."),
    ] = ()
    checksum: Annotated[
        Literal["both", "source", "target", "none"],
        Meta(
            description="both: checksums of both ends are compared; none: sizes are. "
            "source, target: FTS compares that end's with ours."
        ),
    ] = "both"
    files: Annotated[int, Meta(description="FTS: files of a job.")] = 1
    jobs: Annotated[int, Meta(description="FTS: jobs of a link, submitted together.")] = 1
    overwrite: Annotated[bool, Meta(description="FTS: whether it may overwrite.")] = False
    retry: Annotated[int, Meta(description="FTS: how often it shall retry a file.")] = 0
    priority: Annotated[int | None, Meta(description="FTS: 1 to 5, 3 by default.")] = None
    activity: Annotated[str, Meta(description="FTS: activity, whose share of a link it uses.")] = ""
    metadata: Annotated[
        dict[str, Scalar], Meta(description="FTS: metadata of each job, beside lakecheck's own.")
    ] = {}
    file_metadata: Annotated[
        dict[str, Scalar], Meta(description="FTS: metadata of each file, beside lakecheck's own.")
    ] = {}
    diagnose: Annotated[
        bool,
        Meta(description="FTS: whether a failed link is tried again one level down."),
    ] = False
    bring_online: Annotated[
        Duration | None, Meta(description="FTS: how long bringing a source online may take.")
    ] = None
    pin: Annotated[
        Duration | None, Meta(description="FTS: how long a source brought online is kept there.")
    ] = None

    def __post_init__(self) -> None:
        """Check what can be wrong."""
        if self.via == DIRECT:
            for field in msgspec.structs.fields(type(self)):
                if field.name in OF_FTS and getattr(self, field.name) != _default(field):
                    told = f"{field.name} is for FTS; write via: and the name of a service"
                    raise ValueError(told)
            if self.checksum in ("source", "target"):
                raise ValueError(f"checksum: {self.checksum} is for FTS; write both or none")
        elif self.modes:
            raise ValueError("modes: FTS chooses itself who copies; leave the key out")
        if self.files < 1 or self.jobs < 1:
            raise ValueError("files and jobs: at least one each")
        if self.retry < 0:
            raise ValueError("retry: expected 0 or more")
        if self.priority is not None and not 1 <= self.priority <= 5:
            raise ValueError("priority: expected 1 to 5")


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default_factory() if field.default is msgspec.NODEFAULT else field.default


def patience(options: Options) -> float:
    """Seconds of a case whose test names none: FTS may let it wait in its queue."""
    return 60.0 if options.via == DIRECT else 3600.0


def cases(test: Test, inventory: Inventory) -> Iterator[Case]:
    """Every link × protocol × size × mode × credential; links without a way are skipped."""
    options: Options = test.options
    members = [
        rse
        for rse in matrix.rses(test, inventory)
        if any(matrix.wanted(endpoint, options.protocols) for endpoint in rse.endpoints)
    ]
    for source, destination in mesh.links(options.mesh, members):
        yield from _link(test, options, source, destination)


def _link(test: Test, options: Options, source: RSE, destination: RSE) -> Iterator[Case]:
    place = f"{source.name}~{destination.name}"
    driver = matrix.driver(test, destination)
    asks = test.service
    pairs = list(link_ends(source, destination, options.protocols))
    for size, every in each_size(options.sizes):
        label = matrix.size_label(size)
        if not pairs:
            yield Case(
                test=test,
                id=f"{place}.{label}",
                place=place,
                steps=("copy",),
                endpoint=destination.endpoints[0],
                source=source.endpoints[0],
                size=size,
                driver=driver,
                every=every,
                asks=_asks(asks, options, asks.credential if asks else ""),
                skip=f"{source.name} and {destination.name} share no third-party-copy protocol",
            )
        for start, end in pairs:
            for mode in options.modes or ("pull",):
                tail = f".{mode}" if options.modes else ""
                for credential, suffix in matrix.credentials(options.credentials, destination):
                    yield Case(
                        test=test,
                        id=f"{place}.{end.protocol}.{label}{tail}{suffix}",
                        place=place,
                        steps=("copy",),
                        endpoint=end,
                        source=start,
                        size=size,
                        mode=mode if asks is None else None,
                        credential=credential,
                        driver=driver,
                        every=every,
                        skip=_why_not(start, end, mode) if asks is None else "",
                        files=options.files * options.jobs,
                        asks=_asks(asks, options, credential),
                        ways=((start, end),) if asks else (),
                    )


def _asks(service: ServiceChoice | None, options: Options, credential: str) -> str:
    """Name the credential that FTS is asked with: the test's where it has any, else FTS's own."""
    if service is None:
        return ""
    return credential if options.credentials else service.credential


def link_ends(
    source: RSE, destination: RSE, protocols: Sequence[str]
) -> Iterator[tuple[Endpoint, Endpoint]]:
    """Endpoints of both ends that speak the same protocol: first with first, and so on."""
    starts = _by_label(source, protocols)
    for label, end in _by_label(destination, protocols).items():
        if label in starts:
            yield starts[label], end


def _by_label(rse: RSE, protocols: Sequence[str]) -> dict[tuple[str, str], Endpoint]:
    return {
        (matrix.family(endpoint.scheme), endpoint.protocol.removeprefix(endpoint.scheme)): endpoint
        for endpoint in rse.endpoints
        if endpoint.tpc and matrix.wanted(endpoint, protocols)
    }


def _why_not(start: Endpoint, end: Endpoint, mode: Mode) -> str:
    if mode == "push" and matrix.family(end.scheme) not in PUSH:
        return f"{end.scheme} copies by pull only"
    active = end if mode == "pull" else start
    if mode not in active.tpc:
        return f"{active.rse} does not {mode}"
    return ""


def traffic(case: Case) -> Traffic:
    """The copy itself; the seeds that links share are no case's own."""
    if not (case.source and case.endpoint):
        return Traffic({}, {})
    moved = case.size * case.files
    return Traffic({case.endpoint.rse: moved}, {case.source.rse: moved}, transfers=case.files)


KIND = Kind(
    name="tpc",
    title="third-party copies over every link",
    options=Options,
    steps=STEPS,
    cases=cases,
    traffic=traffic,
    probe="lakecheck.probes.copy_step:STEPS",
    diagnosis="lakecheck.probes.diagnosis:diagnose",
    services=("fts",),
    timeout=patience,
    fields=(
        Field("verified", "keyword", "checksum that both ends agreed on, or size"),
        Field("state", "keyword", "FTS: state of the job when last seen"),
        Field("failed", "long", "FTS: files that did not finish"),
        Field("queue_time", "double", "FTS: seconds from submission to the first file's start"),
        Field(
            "transfer_time", "double", "FTS: seconds from the first file's start to the last end"
        ),
        Field("staging_time", "double", "FTS: seconds until the last source was online"),
        Field("reasons", "keyword", "FTS: its words for each file that did not finish"),
        Field("logs", "keyword", "FTS: logs of the files that did not finish, else of the first"),
    ),
)
