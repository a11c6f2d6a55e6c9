"""Types for a kind's options that name something which a spec declares."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from lakecheck.spec.scalar_shapes import Text

RSEName = Annotated[str, Meta(extra={"shape": Text("an RSE", refers="RSE")})]
CredentialName = Annotated[str, Meta(extra={"shape": Text("a credential", refers="credential")})]
ServiceName = Annotated[str, Meta(extra={"shape": Text("a service", refers="service")})]
ProtocolName = Annotated[str, Meta(extra={"shape": Text("a protocol", refers="protocol")})]
