"""X.509 proxies: found, parsed, and told whether they can be used."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from lakecheck.errors import BadCredential

PROXY_CERT_INFO = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14")  # RFC 3820, 3.8
PUBLIC = serialization.PublicFormat.SubjectPublicKeyInfo
MAKE_ONE = "make one with voms-proxy-init or grid-proxy-init"

# RFC 4514 says CN and DC; grid mapfiles and VOMS write these in OpenSSL's old form.
DN_NAMES = {NameOID.EMAIL_ADDRESS: "emailAddress", NameOID.USER_ID: "UID"}


class Proxy:
    """A proxy file that was read and found sound."""

    def __init__(self, path: str, chain: list[x509.Certificate]) -> None:
        self.path = path
        self.chain = chain

    @property
    def valid_until(self) -> datetime:
        """The end of the certificate in the chain that ends first."""
        return min(certificate.not_valid_after_utc for certificate in self.chain)

    @property
    def owner(self) -> x509.Certificate:
        """The person's or robot's own certificate, under the proxies made from it."""
        own = [certificate for certificate in self.chain if not _is_proxy(certificate)]
        return own[0] if own else self.chain[-1]

    @property
    def subject(self) -> str:
        """The owner's name in the slashed form of grid mapfiles: `/DC=org/CN=Robot`."""
        return slashed(self.owner.subject)

    @property
    def issuer(self) -> str:
        """The authority that vouches for the owner, slashed."""
        return slashed(self.owner.issuer)


def read(path: str, now: datetime | None = None) -> Proxy:
    """Read a proxy; BadCredential says in a sentence why it cannot be used."""
    pem = _content(path)
    try:
        chain = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise BadCredential(f"{path} holds no certificate; {MAKE_ONE}") from None
    _match_key(path, pem, chain[0])
    proxy = Proxy(path, chain)
    moment = now or datetime.now(UTC)
    if proxy.valid_until <= moment:
        until = proxy.valid_until.strftime("%Y-%m-%d %H:%M:%S UTC")
        raise BadCredential(f"the proxy {path} ended at {until}; {MAKE_ONE}")
    begin = max(certificate.not_valid_before_utc for certificate in chain)
    if begin > moment:
        since = begin.strftime("%Y-%m-%d %H:%M:%S UTC")
        raise BadCredential(f"the proxy {path} is valid only from {since}; check the clock")
    return proxy


def slashed(name: x509.Name) -> str:
    """Write a distinguished name with slashes, as grid software does."""
    return "".join(
        f"/{DN_NAMES.get(part.oid, part.rfc4514_attribute_name)}={part.value!s}" for part in name
    )


def _content(path: str) -> bytes:
    try:
        mode = Path(path).stat().st_mode
        pem = Path(path).read_bytes()
    except FileNotFoundError:
        raise BadCredential(f"there is no proxy at {path}; {MAKE_ONE}") from None
    except OSError as error:
        raise BadCredential(f"the proxy {path} cannot be read: {error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        # Globus and XRootD ignore such a file without a word.
        raise BadCredential(f"others may read the proxy {path}; run: chmod 600 {path}")
    return pem


def _match_key(path: str, pem: bytes, certificate: x509.Certificate) -> None:
    try:
        key = serialization.load_pem_private_key(_key_block(pem), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadCredential(f"{path} holds no usable private key; {MAKE_ONE}") from None
    shown = certificate.public_key().public_bytes(serialization.Encoding.DER, PUBLIC)
    if key.public_key().public_bytes(serialization.Encoding.DER, PUBLIC) != shown:
        raise BadCredential(f"in {path}, the private key does not belong to the certificate")


def _key_block(pem: bytes) -> bytes:
    lines = pem.splitlines(keepends=True)
    inside = [index for index, line in enumerate(lines) if b"PRIVATE KEY-----" in line]
    return b"".join(lines[inside[0] : inside[-1] + 1]) if inside else b""


def _is_proxy(certificate: x509.Certificate) -> bool:
    try:
        certificate.extensions.get_extension_for_oid(PROXY_CERT_INFO)
    except x509.ExtensionNotFound:
        # Proxies from before RFC 3820 are known by their name only.
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return bool(names) and names[-1].value in ("proxy", "limited proxy")
    return True
