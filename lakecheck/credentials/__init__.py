"""Who we are towards storages: found, checked, explained."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from lakecheck.errors import BadCredential
from lakecheck.model import Credential


class CredentialState(Struct, frozen=True):
    """What a sound credential says of itself; `valid_until` is None where it does not end."""

    name: str
    kind: str
    valid_until: datetime | None = None
    subject: str = ""
    issuer: str = ""
    path: str = ""

    def seconds_left(self, now: datetime | None = None) -> float | None:
        """Seconds until it ends; None where it does not."""
        if self.valid_until is None:
            return None
        return (self.valid_until - (now or datetime.now(UTC))).total_seconds()


def default_place(environment: Mapping[str, str] | None = None) -> str:
    """Path where grid tools look for a proxy when none is named."""
    named = (os.environ if environment is None else environment).get("X509_USER_PROXY")
    return named or f"/tmp/x509up_u{os.getuid()}"


def place(credential: Credential) -> str:
    """Path of the proxy file that a credential means; empty for nobody."""
    if credential.kind == "none":
        return ""
    return credential.proxy or default_place()


def check(credential: Credential, now: datetime | None = None) -> CredentialState:
    """Say what a credential is worth now; BadCredential with a sentence where it is not sound."""
    if credential.kind == "none":
        return CredentialState(credential.name, credential.kind)
    # cryptography takes its time to import, and many runs are nobody's.
    from lakecheck.credentials import proxy

    try:
        found = proxy.read(place(credential), now)
    except BadCredential as error:
        message = f'credential "{credential.name}": {error.message}'
        raise BadCredential(message, phase="authenticate") from None
    return CredentialState(
        credential.name,
        credential.kind,
        found.valid_until,
        found.subject,
        found.issuer,
        found.path,
    )
