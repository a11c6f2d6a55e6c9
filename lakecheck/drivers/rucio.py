"""Rucio: what a spec says of one; all pure."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from lakecheck.model import ServiceKind
from lakecheck.spec.language import SERVICE_URL


class Options(Struct, frozen=True):
    """Keys of a Rucio."""

    auth: Annotated[
        str,
        Meta(
            extra={"shape": SERVICE_URL},
            description="Its authentication server; the same as url if not given.",
        ),
    ] = ""
    account: Annotated[
        str, Meta(description="Account to act as; the credential's default one if not given.")
    ] = ""
    vo: Annotated[str, Meta(description="VO, where one Rucio serves several.")] = ""
    at_once: Annotated[int, Meta(description="Cases of one run in flight at once.")] = 100

    def __post_init__(self) -> None:
        """Check what can be wrong."""
        if self.at_once < 1:
            raise ValueError("at_once: at least one case must be in flight")


KIND = ServiceKind(
    name="rucio",
    title="Rucio, which knows files and keeps copies of them where rules want them",
    options=Options,
    driver="lakecheck.drivers.rucio_session:Rucio",
)
