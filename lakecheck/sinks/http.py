"""Documents by HTTP, as JSON arrays: to whatever collects them, such as CERN's MONIT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct, field

from lakecheck.model import SinkKind
from lakecheck.sinks.base import check_urls, without_secrets
from lakecheck.units import Duration


class Monit(Struct, frozen=True):
    """What MONIT wants to know of each document, beside its time in milliseconds."""

    producer: Annotated[str, Meta(description="The name under which MONIT knows us.")]
    type: Annotated[
        str, Meta(description="The type of all documents; else the kind of each, such as tpc.")
    ] = ""


class Options(Struct, frozen=True, kw_only=True):
    """Keys of an HTTP sink."""

    url: Annotated[str, Meta(description="Where documents are posted, http(s)://HOST/PATH.")]
    monit: Annotated[
        Monit | None, Meta(description="Add what MONIT wants: producer, type and timestamp.")
    ] = None
    headers: Annotated[Mapping[str, str], Meta(description="Further headers of each request.")] = (
        field(default_factory=dict)
    )
    user: Annotated[
        str, Meta(description="Who we are (Basic); also http://USER:PASSWORD@HOST.")
    ] = ""
    password: Annotated[str, Meta(description="The user's password.")] = ""
    token: Annotated[str, Meta(description="A token, shown as bearer.")] = ""
    gzip: Annotated[bool, Meta(description="Send bodies compressed.")] = False
    ca: Annotated[
        str, Meta(description="Authorities trusted for TLS, a file or folder; else the machine's.")
    ] = ""
    timeout: Annotated[
        Duration, Meta(description="How long the server may take for an answer.")
    ] = Duration(30)

    def __post_init__(self) -> None:
        """Refuse what can never work."""
        check_urls(self.url, ("http", "https"), "http://HOST/PATH or https://HOST/PATH")


SINK = SinkKind(
    name="http",
    title="Post documents as JSON, also to MONIT.",
    options=Options,
    sink="lakecheck.sinks.http_post:HttpSink",
    target=lambda options: without_secrets(options.url),
)
