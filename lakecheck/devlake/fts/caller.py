"""Who asks the transfer service: by certificate, by token, or nobody."""

from __future__ import annotations

import hashlib
import ssl
import uuid
from collections.abc import Mapping
from typing import Literal

from aiohttp import web
from cryptography import x509
from cryptography.x509.oid import NameOID
from msgspec import Struct

from lakecheck.credentials.proxy import PROXY_CERT_INFO, slashed
from lakecheck.devlake.fts.refusal import Refused

BASE_ID = uuid.UUID("01874efb-4735-4595-bc9c-591aef8240c9")  # FTS's own, for ids that are derived
VO = "lake"
NOBODY = "anonymous"
Method = Literal["certificate", "oauth2", "unauthenticated"]


class Caller(Struct, frozen=True):
    """One client; `dn` is the name of a certificate's owner, or a token's subject."""

    dn: str
    method: Method

    @property
    def delegation_id(self) -> str:
        """The name under which its proxy is kept."""
        return hashlib.sha256(f"{self.method} {self.dn}".encode()).hexdigest()[:16]


def of(request: web.Request, tokens: Mapping[str, str]) -> Caller:
    """Find out who sent a request; Refused where its token is unknown."""
    if dn := _certified(request):
        return Caller(dn, "certificate")
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        if token.strip() not in tokens:
            raise Refused(401, "Invalid token: this server knows only the one that its lake tells")
        return Caller(tokens[token.strip()], "oauth2")
    return Caller(NOBODY, "unauthenticated")


def _certified(request: web.Request) -> str:
    secure = request.transport.get_extra_info("ssl_object") if request.transport else None
    shown = secure.getpeercert(binary_form=True) if isinstance(secure, ssl.SSLObject) else None
    return owner(x509.load_der_x509_certificate(shown)) if shown else ""


def owner(certificate: x509.Certificate) -> str:
    """Give the DN of whom a certificate or a proxy of any depth stands for."""
    parts = list(certificate.subject)
    if _is_proxy(certificate):
        parts.pop()
        while len(parts) > 1 and _added(parts[-1]):
            parts.pop()
    return slashed(x509.Name(parts))


def _is_proxy(certificate: x509.Certificate) -> bool:
    try:
        certificate.extensions.get_extension_for_oid(PROXY_CERT_INFO)
    except x509.ExtensionNotFound:
        return False
    return True


def _added(part: x509.NameAttribute[str | bytes]) -> bool:
    """Whether a proxy further up has added this to its owner's name: a number."""
    return part.oid == NameOID.COMMON_NAME and str(part.value).isdecimal()
