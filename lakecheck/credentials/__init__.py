"""Who we are towards storages and services: found, checked, explained."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from lakecheck.credentials import token
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
    """Path of the proxy file that a credential means; empty where it is no proxy."""
    if credential.kind != "x509":
        return ""
    return credential.proxy or default_place()


def check(credential: Credential, now: datetime | None = None) -> CredentialState:
    """Say what a credential is worth now; BadCredential with a sentence where it is not sound."""
    if credential.kind == "none":
        return CredentialState(credential.name, credential.kind)
    try:
        return _checked(credential, now)
    except BadCredential as error:
        message = f'credential "{credential.name}": {error.message}'
        raise BadCredential(message, phase="authenticate") from None


def _checked(credential: Credential, now: datetime | None) -> CredentialState:
    if credential.kind == "userpass":
        if not (credential.username and credential.password):
            raise BadCredential("it has no user name or no password")
        return CredentialState(credential.name, credential.kind, subject=credential.username)
    if credential.kind == "token":
        told = token.read(credential.token, now)
        return CredentialState(
            credential.name,
            credential.kind,
            told.valid_until,
            told.subject,
            told.issuer,
            credential.token,
        )
    # cryptography takes its time to import, and many runs are nobody's.
    from lakecheck.credentials import proxy

    found = proxy.read(place(credential), now)
    return CredentialState(
        credential.name,
        credential.kind,
        found.valid_until,
        found.subject,
        found.issuer,
        found.path,
    )
