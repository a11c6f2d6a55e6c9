"""The certificate authorities of an endpoint, in the forms that native libraries read."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from lakecheck.errors import TesterFailed

HASH = re.compile(r"[0-9a-f]{8}\.\d+")
# The bundle of authorities and the folder of the same by hash: Debian's, Red Hat's.
SYSTEMS = (
    ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs"),
    ("/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/tls/certs"),
)
MARK = b"-----BEGIN CERTIFICATE-----"


class Authorities:
    """Turns `ca` settings (folders of hashes, or bundles) into environment variables.

    What has to be written goes to one folder of the session, once for each set of `ca`.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._known: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}

    def settings(self, *wanted: str) -> tuple[tuple[str, str], ...]:
        """Give the variables with which libraries trust these; none means the machine's own."""
        given = tuple(sorted({os.path.abspath(ca) for ca in wanted if ca}))
        if given and not all(wanted):  # one end of a link names none
            given += tuple(_usual())
        if given not in self._known:
            self._known[given] = self._prepare(given) if given else _own()
        return self._known[given]

    def _prepare(self, given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """Write what is needed for one set.

        davix reads SSL_CERT_FILE twice for every session, a third of a millisecond a certificate,
        so it gets none there if a folder tells all by hash: of that it reads what it needs.
        """
        number = len(self._known)
        empty = self._folder / "empty"
        empty.mkdir(exist_ok=True)
        certificates = _certificates(given)
        settings = [("SSL_CERT_DIR", str(empty))]
        folders = [Path(ca) for ca in given if os.path.isdir(ca)]
        if folders:
            folder = folders[0] if len(folders) == 1 else self._union(folders, number)
            settings.append(("X509_CERT_DIR", str(folder)))
            if certificates <= _hashed(folder):
                return (*settings, ("SSL_CERT_FILE", os.devnull))
        bundle = self._bundle(given, certificates, self._folder / f"ca-{number}.pem")
        settings.append(("SSL_CERT_FILE", bundle))
        if len(folders) < len(given):
            settings.append(("X509_CERT_FILE", bundle))
        return tuple(settings)

    def _bundle(self, given: tuple[str, ...], certificates: set[bytes], target: Path) -> str:
        if len(given) == 1 and os.path.isfile(given[0]):
            return given[0]
        target.write_bytes(b"\n".join(sorted(certificates)) + b"\n")
        return str(target)

    def _union(self, folders: list[Path], number: int) -> Path:
        union = self._folder / f"ca-{number}"
        union.mkdir()
        for folder in folders:
            for file in filter(Path.is_file, folder.iterdir()):
                if not (union / file.name).exists():
                    shutil.copyfile(file, union / file.name)
        return union


def _own() -> tuple[tuple[str, str], ...]:
    """Trust what the machine trusts, but let its folder of hashes be read and not its bundle.

    Of 140 certificates, which is usual, davix's two readings cost a tenth of a second a session.
    """
    chosen = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    for places in SYSTEMS:
        bundle, folder = (Path(mine or usual) for mine, usual in zip(chosen, places, strict=True))
        if bundle.is_file() and folder.is_dir() and set(_read(bundle)) <= _hashed(folder):
            return ("SSL_CERT_FILE", os.devnull), ("SSL_CERT_DIR", str(folder))
    return ()


def _usual() -> Iterator[str]:
    """Folders in which libraries look where none is named."""
    grid = os.environ.get("X509_CERT_DIR") or "/etc/grid-security/certificates"
    for folder in (grid, *(folder for _, folder in SYSTEMS)):
        if os.path.isdir(folder) and any(map(HASH.fullmatch, os.listdir(folder))):
            yield folder


def _hashed(folder: Path) -> set[bytes]:
    """Give the certificates that OpenSSL finds in a folder, by the hash of their subject."""
    files = (each for each in folder.iterdir() if HASH.fullmatch(each.name) and each.is_file())
    return {each for file in files for each in _read(file)}


def _certificates(given: tuple[str, ...]) -> set[bytes]:
    """Give every certificate once, though a hash folder holds each under several names."""
    files = (
        file
        for ca in given
        for file in (filter(Path.is_file, Path(ca).iterdir()) if os.path.isdir(ca) else [Path(ca)])
    )
    found = {each for file in files for each in _read(file)}
    if not found:
        raise TesterFailed(f'ca "{", ".join(given)}" holds no certificate in PEM form')
    return found


def _read(file: Path) -> Iterator[bytes]:
    try:
        pem = file.read_bytes()
    except OSError as error:
        raise TesterFailed(f'ca "{file}" cannot be read: {error}') from error
    for block in pem.split(MARK)[1:]:
        yield MARK + block.partition(b"-----END")[0] + b"-----END CERTIFICATE-----"
