"""Services: do they answer, with what, how long do certificates last, do their daemons live."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from lakecheck import credentials
from lakecheck.model import (
    NO_DRIVER,
    Case,
    Credential,
    Endpoint,
    Field,
    Inventory,
    Kind,
    Scalar,
    Step,
    Test,
    Traffic,
)
from lakecheck.plan import matrix
from lakecheck.probes.heartbeats import ALIVE, Beat, beats
from lakecheck.spec.scalar_shapes import ScalarShape, Text
from lakecheck.units import Duration

STEPS = (
    Step("answer"),
    Step("content", needs=("answer",)),
    Step("certificate", needs=("answer",)),
    Step("daemons", needs=("answer",)),
)
FRONTS = {"davs": "https", "https": "https", "dav": "http", "http": "http"}
ROOTS = ("root", "xroot", "roots", "xroots")
NAME = Text("a name", pattern=r"[A-Za-z0-9][A-Za-z0-9_-]*")
URL = Text(
    "a URL such as https://iam.example.org/health", pattern=r"https?://[^\s/?#@]+([/?][^\s#]*)?"
)
SERVICE = Text("a service", refers="declared service")
NUMBERS = re.compile(r"[0-9]+(\.[0-9]+)*")


class URLEntry(Struct, frozen=True):
    """One entry of `urls`, and what it must answer."""

    url: Annotated[str, Meta(extra={"shape": URL}, description="What is asked.")]
    status: Annotated[
        tuple[int, ...], Meta(description="HTTP statuses that are right; 200 to 399 by default.")
    ] = ()
    json: Annotated[
        dict[str, Annotated[Scalar, Meta(extra={"shape": ScalarShape()})]],
        Meta(description="What its JSON must say, by dotted path."),
    ] = {}
    version: Annotated[
        str, Meta(description="Condition that the version in its JSON must meet, such as >=1.8.")
    ] = ""
    contains: Annotated[str, Meta(description="Text that must stand in its answer.")] = ""
    certificate: Annotated[
        Duration | None, Meta(description="How long its certificate must last; the test's.")
    ] = None
    ca: Annotated[str, Meta(description="CA folder or bundle for it; the test's.")] = ""

    def __post_init__(self) -> None:
        """Check what can be wrong."""
        if wrong := [code for code in self.status if not 100 <= code <= 599]:
            raise ValueError(f"status: {wrong[0]} is no HTTP status")
        try:
            SpecifierSet(self.version)
        except InvalidSpecifier:
            told = f'version: "{self.version}" is no condition on a version'
            raise ValueError(f"{told}; write for instance >=1.8 or >=1.8,<3") from None


class Heartbeats(Struct, frozen=True):
    """What is expected of daemons."""

    older_than: Annotated[Duration, Meta(description="Daemons silent for longer have failed.")]


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of a test of services."""

    of: Annotated[
        tuple[Annotated[str, Meta(extra={"shape": SERVICE})], ...] | None,
        Meta(description="Names of services; all of the spec by default."),
    ] = None
    urls: Annotated[
        dict[
            Annotated[str, Meta(extra={"shape": NAME})],
            Annotated[str, Meta(extra={"shape": URL})] | URLEntry,
        ],
        Meta(description="Other things to ask, by name."),
    ] = {}
    endpoints: Annotated[
        bool, Meta(description="Whether the servers of the RSEs in `on:` are asked too.")
    ] = False
    protocols: Annotated[
        tuple[str, ...], Meta(description="Protocols of endpoints; http, davs and root by default.")
    ] = ()
    certificate: Annotated[
        Duration, Meta(description="How long certificates must last; else it is a warning.")
    ] = Duration(14 * 86400)
    ca: Annotated[
        str, Meta(description="CA folder or bundle for `urls`; the machine's if not given.")
    ] = ""
    heartbeats: Annotated[
        Heartbeats | None, Meta(description="What is expected of daemons, where a service has any.")
    ] = None

    def __post_init__(self) -> None:
        """Check what can be wrong."""
        if self.protocols and not self.endpoints:
            raise ValueError("protocols are for endpoints: true; leave the key out, or write that")
        if twice := next((name for name in self.of or () if name in self.urls), ""):
            raise ValueError(f'"{twice}" stands in of: and in urls:; choose another name')


def located(options: Options, folder: Path) -> Options:
    """See CA files and folders from the spec's folder."""

    def seen(path: str) -> str:
        return os.path.abspath(folder / os.path.expanduser(path)) if path else ""

    urls = {
        name: entry if isinstance(entry, str) else msgspec.structs.replace(entry, ca=seen(entry.ca))
        for name, entry in options.urls.items()
    }
    return msgspec.structs.replace(options, ca=seen(options.ca), urls=urls)


def cases(test: Test, inventory: Inventory) -> Iterator[Case]:
    """Every question to a service, every URL, every endpoint."""
    options: Options = test.options
    for name, choice in test.services.items():
        for beat in beats(choice):
            place = f"{name}-{beat.name}" if beat.name else name
            asked = msgspec.structs.replace(beat, ca=choice.ca)
            yield _case(test, place, asked, choice.credential, service=name)
    for name, entry in options.urls.items():
        yield _case(test, name, _beat(entry, options), "none")
    for rse in matrix.rses(test, inventory) if options.endpoints else ():
        for end in rse.endpoints:
            if end.scheme in (*FRONTS, *ROOTS) and matrix.wanted(end, options.protocols):
                yield _case(test, rse.name, _front(end), "none", end)


def _beat(entry: str | URLEntry, options: Options) -> Beat:
    if isinstance(entry, str):
        return Beat(entry, ca=options.ca)
    lasting = options.certificate if entry.certificate is None else entry.certificate
    usual = Beat(entry.url)
    return msgspec.structs.replace(
        usual,
        status=entry.status or usual.status,
        version="version" if entry.version else "",
        condition=entry.version,
        json=entry.json,
        contains=entry.contains,
        certificate=float(lasting),
        ca=entry.ca or options.ca,
    )


def _front(end: Endpoint) -> Beat:
    url = f"{FRONTS.get(end.scheme, end.scheme)}://{end.host}:{end.port}/"
    return Beat(url, method="OPTIONS", status=ALIVE, ca=end.ca)


def _case(
    test: Test,
    place: str,
    beat: Beat,
    credential: str,
    end: Endpoint | None = None,
    service: str = "",
) -> Case:
    options: Options = test.options
    lasting = (beat.certificate or float(options.certificate)) if _is_https(beat.url) else 0.0
    beat = msgspec.structs.replace(
        beat, certificate=lasting, daemons=beat.daemons and options.heartbeats is not None
    )
    wanted = {
        "content": beat.looks_inside,
        "certificate": bool(lasting),
        "daemons": beat.daemons,
    }
    return Case(
        test=test,
        id=f"{place}.{end.protocol}" if end else place,
        place=place,
        steps=tuple(step.name for step in STEPS if wanted.get(step.name, True)),
        endpoint=end,
        credential=credential,
        driver=NO_DRIVER,
        service="" if end else service or place,
        task=beat,
    )


def _is_https(url: str) -> bool:
    return url.startswith("https://")


def traffic(case: Case) -> Traffic:
    """Nothing is moved."""
    return Traffic({}, {})


def repeat(case: Case, step: str, credential: Credential) -> list[str]:
    """Give what asks the same by hand."""
    beat: Beat = case.task
    parts = urlsplit(beat.url)
    if parts.scheme in ROOTS:
        return [shlex.join(["xrdfs", beat.url, "query", "config", "version"])]
    if step == "daemons":
        url = f"{case.test.services[case.service].url}/heartbeats"
        return [f'curl -sS -H "X-Rucio-Auth-Token: $TOKEN" {shlex.quote(url)}']
    if step == "certificate":
        port = parts.port or 443
        asked = ["openssl", "s_client", "-connect", f"{parts.hostname}:{port}"]
        shown = "openssl x509 -noout -subject -issuer -enddate"
        return [f"{shlex.join([*asked, '-servername', str(parts.hostname)])} </dev/null | {shown}"]
    words = ["curl", "-sS", "-i", "-X", beat.method]
    if beat.ca and _is_https(beat.url):
        words += ["--capath" if os.path.isdir(beat.ca) else "--cacert", beat.ca]
    if beat.shows and (proxy := credentials.place(credential)):
        words += ["--cert", proxy, "--key", proxy]
    return [shlex.join([*words, beat.url])]


KIND = Kind(
    name="service",
    title="services answer, their certificates last, their daemons live",
    options=Options,
    steps=STEPS,
    cases=cases,
    traffic=traffic,
    probe="lakecheck.probes.service_steps:STEPS",
    driven=False,
    located=located,
    repeat=repeat,
    # Not below its own name: `service` is a field of all documents.
    fields=(
        Field("heartbeat.url", "keyword", "what was asked"),
        Field("heartbeat.http_status", "long", "HTTP status of the answer"),
        Field("heartbeat.latency", "double", "seconds until the answer began, connecting included"),
        Field("heartbeat.version", "keyword", "version that it tells"),
        Field(
            "heartbeat.days_left", "double", "days until its certificate ends; negative afterwards"
        ),
        Field("heartbeat.issuer", "keyword", "who vouches for its certificate"),
        Field("heartbeat.daemons", "long", "daemons that told of themselves"),
        Field(
            "heartbeat.oldest",
            "double",
            "seconds since the daemon silent for longest told of itself",
        ),
        Field("heartbeat.silent", "keyword", "daemons that were silent for too long"),
    ),
)
