"""Replication through Rucio: uploads to every RSE, and rules that want copies elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, Struct

from lakecheck.model import RSE, Case, Endpoint, Field, Inventory, Kind, Step, Test, Traffic
from lakecheck.plan import matrix, mesh
from lakecheck.probes.functional import Sizes, each_size
from lakecheck.probes.replication_repeat import repeat
from lakecheck.probes.tpc import link_ends
from lakecheck.spec.names import ProtocolName, RSEName, ServiceName
from lakecheck.units import Duration, Size

Ways = tuple[tuple[Endpoint, Endpoint], ...]
SOURCE = ("upload", "register")
LINK = ("rule", "replica", "download", "delete")
LOSING = ("rule", "replica", "download", "repaired", "delete")
STEPS = (
    Step("upload"),
    Step("register", needs=("upload",)),
    Step("rule", diagnosed=True),
    Step("replica", needs=("rule",)),
    Step("download", needs=("replica",)),
    Step("repaired", needs=("replica",)),
    Step("delete", needs=("rule",), finaliser=True),
)


class RuleTo(Struct, frozen=True):
    """`rule:` of a test: how many copies, on which RSEs."""

    to: Annotated[str, Meta(description="RSE expression, in Rucio's own words.")]
    copies: Annotated[int, Meta(description="On how many RSEs.")] = 1


class Transition(Struct, frozen=True, rename={"start": "from"}):
    """`transition:` of a test: from which class of storage to which."""

    start: Annotated[str, Meta(description="RSE expression of those to leave.")]
    to: Annotated[str, Meta(description="RSE expression of those to move to.")]


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of a replication test."""

    via: Annotated[ServiceName, Meta(description="The Rucio, by its name in services.")]
    sizes: Annotated[Sizes, Meta(description="File sizes; a map gives each its own frequency.")] = (
        Size(1_000_000),
    )
    files: Annotated[int, Meta(description="Files of each upload; several go in a dataset.")] = 1
    scope: Annotated[str, Meta(description="Scope of the files.")] = "testing"
    lifetime: Annotated[
        Duration, Meta(description="When Rucio removes what is left, should nobody else.")
    ] = Duration(86400)
    mesh: Annotated[
        Literal["full", "ring"] | dict[Literal["star"], RSEName],
        Meta(description="Which links: full, ring, or {star: RSE}."),
    ] = "full"
    protocol: Annotated[
        ProtocolName,
        Meta(description="Protocol of uploads and downloads; Rucio chooses if not given."),
    ] = ""
    activity: Annotated[str, Meta(description="Activity of rules and transfers.")] = ""
    rule: Annotated[
        RuleTo | None, Meta(description="One rule for several copies, in place of a mesh.")
    ] = None
    transition: Annotated[
        Transition | None, Meta(description="Move files between classes, in place of a mesh.")
    ] = None
    lose: Annotated[
        bool, Meta(description="Whether a copy is removed from its storage, and must come back.")
    ] = False
    diagnose: Annotated[
        bool, Meta(description="Whether a failed link is tried again one level down.")
    ] = False
    gone: Annotated[
        bool, Meta(description="Whether delete waits until the replicas are gone as well.")
    ] = False

    def __post_init__(self) -> None:
        """Check what can be wrong."""
        if self.rule and self.transition:
            raise ValueError("rule and transition are two tests; write one of them")
        if self.diagnose and (self.rule or self.transition):
            raise ValueError("diagnose: is for links; a rule for several copies has none")
        if self.lose and (self.rule or self.transition):
            raise ValueError("lose is for links; leave out rule and transition")
        if not self.scope:
            raise ValueError("scope: it is empty; write the one that lakecheck may use")
        if self.files < 1:
            raise ValueError("files: at least one")
        if self.rule and self.rule.copies < 1:
            raise ValueError("rule.copies: at least one")


def cases(test: Test, inventory: Inventory) -> Iterator[Case]:
    """Every RSE × size, then every link × size (or one rule of each RSE) that needs the first."""
    options: Options = test.options
    members = matrix.rses(test, inventory)
    if options.transition:
        members = matrix.rses_of(options.transition.start, members)
    for size, every in each_size(options.sizes):
        uploads = {rse.name: _upload(test, rse, size, every) for rse in members}
        if options.rule or options.transition:
            name = "rule" if options.rule else "transition"
            for rse in members:
                yield uploads[rse.name]
                yield _from(uploads[rse.name], name, matrix.there(rse))
            continue
        used = [*mesh.links(options.mesh, members)]
        wanted = (options.protocol,) if options.protocol else ()
        for start in members:
            ends = [end for source, end in used if source is start]
            if ends:
                yield uploads[start.name]
            for end in ends:
                ways = tuple(link_ends(start, end, wanted))
                yield _from(
                    uploads[start.name], end.name, matrix.there(end), matrix.there(start), ways
                )


def _upload(test: Test, rse: RSE, size: int, every: float | None) -> Case:
    return Case(
        test=test,
        id=f"{rse.name}.{matrix.size_label(size)}",
        place=rse.name,
        steps=SOURCE,
        endpoint=matrix.there(rse),
        size=size,
        every=every,
        files=test.options.files,
        asks=_asks(test),
        credential=rse.credential if test.options.diagnose or test.options.lose else "none",
        driver=matrix.driver(test, rse),
    )


def _from(
    upload: Case, name: str, end: Endpoint, start: Endpoint | None = None, ways: Ways = ()
) -> Case:
    place = f"{upload.place}~{name}"
    return Case(
        test=upload.test,
        id=f"{place}.{matrix.size_label(upload.size)}",
        place=place,
        steps=LOSING if upload.test.options.lose else LINK,
        endpoint=end,
        source=start,
        size=upload.size,
        every=upload.every,
        files=upload.files,
        asks=upload.asks,
        needs=(upload,),
        ways=ways,
        credential=upload.credential,
        driver=upload.driver,
    )


def _asks(test: Test) -> str:
    return test.service.credential if test.service else "none"


def traffic(case: Case) -> Traffic:
    """An upload; or a copy over a link, and its download."""
    moved = case.size * case.files
    here = case.endpoint.rse if case.endpoint else ""
    if not case.needs:
        return Traffic({here: moved}, {}, transfers=case.files)
    start = case.needs[0].place
    if case.source is None:  # which RSEs Rucio chooses is not known
        return Traffic({}, {start: moved}, transfers=case.files)
    return Traffic({here: moved}, {start: moved, here: moved}, transfers=2 * case.files)


def _patience(_: Options) -> float:
    return 3600.0  # s; rules wait for daemons and for FTS


KIND = Kind(
    name="replication",
    title="uploads and rules of Rucio, over every link",
    options=Options,
    steps=STEPS,
    cases=cases,
    traffic=traffic,
    probe="lakecheck.probes.replication_steps:STEPS",
    diagnosis="lakecheck.probes.diagnosis:diagnose",
    services=("rucio",),
    repeat=repeat,
    timeout=_patience,
    fields=(
        Field("did", "keyword", "what was replicated, as scope:name"),
        Field("rule", "keyword", "the rule's identifier"),
        Field("rule_state", "keyword", "OK, REPLICATING, STUCK, …, when last seen"),
        Field("locks_ok", "long", "files that the rule has where it wants them"),
        Field("locks_replicating", "long", "files that are on their way"),
        Field("locks_stuck", "long", "files that Rucio has given up for the moment"),
        Field("rses", "keyword", "RSEs that have all files"),
    ),
)
