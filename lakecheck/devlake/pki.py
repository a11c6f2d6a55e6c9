"""A certificate authority of the lake's own, host certificates and RFC 3820 proxies."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import os
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from msgspec import Struct

LIFETIME = datetime.timedelta(days=30)
PROXY_LIFETIME = datetime.timedelta(days=7)
# XRootD's GSI compares the common name with this form of an address, and redirects lead to
# addresses. Everything else looks at the alternative names.
HOST_NAME = "[::ffff:127.0.0.1]"
_PROXY_CERT_INFO = ObjectIdentifier("1.3.6.1.5.5.7.1.14")
# DER of ProxyCertInfo { ProxyPolicy { id-ppl-inheritAll } }, RFC 3820 section 3.8.
_INHERIT_ALL = bytes.fromhex("300c300a06082b06010505071501")


class Identity(Struct, frozen=True):
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key as PEM, in the traditional form that Globus reads."""
        return self.key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "lakecheck"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Embedded Lake"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _key() -> rsa.RSAPrivateKey:
    # GSI in XRootD 5 and Globus know RSA keys only.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPrivateKey,
    lifetime: datetime.timedelta,
    serial: int = 0,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + lifetime)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def make_authority(common_name: str) -> Identity:
    """Make a self-signed CA."""
    key, name = _key(), _name(common_name)
    certificate = (
        _builder(name, name, key, LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Identity(certificate, key)


def make_host(authority: Identity) -> Identity:
    """Make a host certificate for localhost and 127.0.0.1."""
    # XRootD redirects to addresses, not names, so both forms must verify.
    names = x509.SubjectAlternativeName(
        [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    )
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return _leaf(authority, HOST_NAME, [names, x509.ExtendedKeyUsage(purposes)])


def make_user(authority: Identity, common_name: str) -> Identity:
    """Make a person's certificate."""
    return _leaf(authority, common_name, [x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])])


def _leaf(authority: Identity, common_name: str, extensions: list[x509.ExtensionType]) -> Identity:
    key = _key()
    builder = _builder(_name(common_name), authority.certificate.subject, key, LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    for extension in [*extensions, issuer]:
        builder = builder.add_extension(extension, critical=False)
    return Identity(builder.sign(authority.key, hashes.SHA256()), key)


def make_proxy(user: Identity, lifetime: datetime.timedelta = PROXY_LIFETIME) -> bytes:
    """Make a proxy file: proxy certificate, its key, the user's certificate (RFC 3820)."""
    key = _key()
    serial = int.from_bytes(os.urandom(4), "big") >> 1 or 1
    subject = x509.Name(
        [*user.certificate.subject, x509.NameAttribute(NameOID.COMMON_NAME, str(serial))]
    )
    certificate = (
        _builder(subject, user.certificate.subject, key, lifetime, serial)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.UnrecognizedExtension(_PROXY_CERT_INFO, _INHERIT_ALL), critical=True)
        .sign(user.key, hashes.SHA256())
    )
    proxy = Identity(certificate, key)
    return proxy.certificate_pem + proxy.key_pem + user.certificate_pem


def subject_of(certificate: x509.Certificate) -> str:
    """Give the subject in the slash form of grid-mapfiles."""
    labels = {
        NameOID.DOMAIN_COMPONENT: "DC",
        NameOID.ORGANIZATION_NAME: "O",
        NameOID.COMMON_NAME: "CN",
    }
    return "".join(f"/{labels[part.oid]}={part.value!s}" for part in certificate.subject)


def write_folder(authority: Identity, folder: Path) -> None:
    """Write a CA folder as OpenSSL, XRootD and Globus want it, and a bundle beside it.

    It holds the certificate by both subject hashes, a signing policy each, and the bundle
    `ca-bundle.pem`.
    """
    folder.mkdir(parents=True)
    (folder / "ca-bundle.pem").write_bytes(authority.certificate_pem)
    add_to_folder(authority, folder)


def add_to_folder(authority: Identity, folder: Path) -> None:
    """Let a CA folder trust this authority."""
    pem = folder / f"{_old_hash(authority.certificate)}.pem"
    pem.write_bytes(authority.certificate_pem)
    policy = (
        f"access_id_CA X509 '{subject_of(authority.certificate)}'\n"
        "pos_rights globus CA:sign\n"
        "cond_subjects globus '\"/DC=lakecheck/*\"'\n"
    )
    for digest in {_old_hash(authority.certificate), _new_hash(pem)}:
        (folder / f"{digest}.0").symlink_to(pem.name)
        (folder / f"{digest}.signing_policy").write_text(policy)


def _old_hash(certificate: x509.Certificate) -> str:
    """MD5 of the DER subject, first four bytes, little-endian (X509_NAME_hash_old)."""
    digest = hashlib.md5(certificate.subject.public_bytes(), usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def _new_hash(pem: Path) -> str:
    # OpenSSL hashes a canonical form of the name here, so ask it.
    command = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(pem)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def write_private(path: Path, content: bytes, owner: tuple[int, int] | None) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400), "wb") as file:
        file.write(content)
    if owner is not None:
        os.chown(fresh, *owner)
    fresh.replace(path)
