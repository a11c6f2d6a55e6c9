"""The certificate authorities of an endpoint, in the forms that native libraries read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lakecheck.errors import TesterFailed

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
        if given not in self._known:
            self._known[given] = self._prepare(given) if given else ()
        return self._known[given]

    def _prepare(self, given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
        """Write what is needed for one set.

        A small bundle and an empty folder make davix quick: it reads both for every session.
        """
        number = len(self._known)
        empty = self._folder / "empty"
        empty.mkdir(exist_ok=True)
        bundle = self._bundle(given, self._folder / f"ca-{number}.pem")
        settings = [("SSL_CERT_FILE", bundle), ("SSL_CERT_DIR", str(empty))]
        folders = [Path(ca) for ca in given if os.path.isdir(ca)]
        if len(folders) == 1:
            settings.append(("X509_CERT_DIR", str(folders[0])))
        elif folders:
            settings.append(("X509_CERT_DIR", str(self._union(folders, number))))
        if len(folders) < len(given):
            settings.append(("X509_CERT_FILE", bundle))
        return tuple(settings)

    def _bundle(self, given: tuple[str, ...], target: Path) -> str:
        if len(given) == 1 and os.path.isfile(given[0]):
            return given[0]
        target.write_bytes(b"\n".join(sorted(_certificates(given))) + b"\n")
        return str(target)

    def _union(self, folders: list[Path], number: int) -> Path:
        union = self._folder / f"ca-{number}"
        union.mkdir()
        for folder in folders:
            for file in folder.iterdir():
                if not (union / file.name).exists():
                    shutil.copyfile(file, union / file.name)
        return union


def _certificates(given: tuple[str, ...]) -> set[bytes]:
    """Give every certificate once, though a hash folder holds each under several names."""
    found: set[bytes] = set()
    for ca in given:
        files = sorted(Path(ca).iterdir()) if os.path.isdir(ca) else [Path(ca)]
        for file in files:
            try:
                pem = file.read_bytes()
            except OSError as error:
                raise TesterFailed(f'ca "{ca}" cannot be read: {error}') from error
            for block in pem.split(MARK)[1:]:
                found.add(MARK + block.partition(b"-----END")[0] + b"-----END CERTIFICATE-----")
    if not found:
        raise TesterFailed(f'ca "{", ".join(given)}" holds no certificate in PEM form')
    return found
