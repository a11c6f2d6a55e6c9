"""Delegated proxies: requested, checked, kept, and chosen for a job."""

from __future__ import annotations

import os
import time
from datetime import UTC
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from lakecheck.devlake.fts.caller import NOBODY, Caller, owner
from lakecheck.devlake.fts.config import Config
from lakecheck.devlake.fts.refusal import NEED_DELEGATION, Refused
from lakecheck.devlake.fts.states import date
from lakecheck.devlake.fts.store import Row, Store
from lakecheck.model import NOBODY as NO_CREDENTIAL
from lakecheck.model import Credential

SHORTEST = 3600.0  # seconds that a proxy must be good for when a job is submitted


class Credentials:
    """What callers have delegated."""

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config

    def view(self, caller: Caller) -> dict[str, object] | None:
        """Tell until when a caller's proxy is good; None where there is none."""
        row = self._row(caller)
        if row is None or not row["proxy"]:
            return None
        return {"termination_time": date(row["ends"]), "voms_attrs": [""]}

    def request(self, caller: Caller) -> str:
        """Give a fresh request for a certificate, as PEM."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Dummy")])
        made = x509.CertificateSigningRequestBuilder().subject_name(name)
        pem = made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
        form = Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        self._store.write(
            "INSERT INTO credentials (dlg_id, dn, request, key) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (dlg_id) DO UPDATE SET request = excluded.request, key = excluded.key",
            *(caller.delegation_id, caller.dn, pem, key.private_bytes(*form).decode()),
        )
        return pem

    def accept(self, caller: Caller, chain: bytes) -> None:
        """Keep the proxy that answers the request; Refused where it does not."""
        row = self._row(caller)
        if row is None or not row["key"]:
            raise Refused(400, "No credential cache found")
        try:
            certificates = x509.load_pem_x509_certificates(chain)
        except ValueError:
            raise Refused(400, "Could not process the proxy: Malformed proxy") from None
        why = _mistake(certificates, row["key"])
        if caller.method == "certificate" and not why and owner(certificates[0]) != caller.dn:
            why = "The subject and the issuer of the proxy do not match"
        if why:
            raise Refused(400, f"Could not process the proxy: {why}")
        path = Path(self._config.credentials, caller.delegation_id + ".pem")
        pems = [one.public_bytes(Encoding.PEM) for one in certificates]
        _keep(path, b"".join([pems[0], row["key"].encode(), *pems[1:]]))
        self._store.write(
            "UPDATE credentials SET dn = ?, proxy = ?, ends = ?, request = NULL, key = NULL"
            " WHERE dlg_id = ?",
            *(owner(certificates[0]), str(path), _end(certificates), caller.delegation_id),
        )

    def forget(self, caller: Caller) -> None:
        """Remove a caller's proxy; Refused where there is none."""
        row = self._row(caller)
        if row is None or not row["proxy"]:
            raise Refused(404, "Delegated credentials not found")
        Path(row["proxy"]).unlink(missing_ok=True)
        self._store.write("DELETE FROM credentials WHERE dlg_id = ?", caller.delegation_id)

    def require(self, caller: Caller) -> None:
        """Refuse the holder of a certificate who has delegated nothing that lasts."""
        if caller.method != "certificate":
            return
        row = self._row(caller)
        if row is None or not row["proxy"]:
            raise Refused(NEED_DELEGATION, f'No delegation found for "{caller.dn}"')
        left = row["ends"] - time.time()
        if left < 0:
            said = f"expired {-left:.0f} seconds ago"
        elif left < SHORTEST:
            said = "has less than one hour left"
        else:
            return
        why = f"The delegated credentials {said} ({caller.delegation_id})"
        raise Refused(NEED_DELEGATION, why)

    def named(self, caller: Caller) -> Caller:
        """Give a caller who shows nothing the name of the proxy that was delegated so."""
        row = self._row(caller) if caller.dn == NOBODY else None
        return Caller(row["dn"], "unauthenticated") if row and row["proxy"] else caller

    def of(self, job: Row, file: Row) -> Credential:
        """Choose the credential for a transfer; none where storages want none."""
        wanted = self._config.gsi or file["source_surl"].startswith("gsiftp:")
        if not wanted:  # a proxy would have davix ask for macaroons
            return NO_CREDENTIAL
        query = "SELECT proxy FROM credentials WHERE dlg_id = ? AND proxy IS NOT NULL"
        for row in self._store.rows(query, job["cred_id"]):
            return Credential(f"delegated {job['cred_id']}", "x509", row["proxy"])
        return Credential("lake", "x509", self._config.proxy)

    def _row(self, caller: Caller) -> Row | None:
        query = "SELECT * FROM credentials WHERE dlg_id = ?"
        return next(iter(self._store.rows(query, caller.delegation_id)), None)


def _mistake(certificates: list[x509.Certificate], key: str) -> str:
    """Say what is wrong with a delegated chain; empty where nothing is."""
    if len(certificates) < 2:
        return "Malformed proxy"
    proxy, issuer = certificates[:2]
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ours = load_pem_private_key(key.encode(), None).public_key().public_bytes(*form)
    if proxy.public_key().public_bytes(*form) != ours:
        return "The proxy does not match the stored associated private key"
    try:
        proxy.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return "Failed to verify the proxy, maybe signed with the wrong private key?"
    return ""


def _end(certificates: list[x509.Certificate]) -> float:
    return min(one.not_valid_after_utc.astimezone(UTC).timestamp() for one in certificates)


def _keep(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)
