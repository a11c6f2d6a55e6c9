"""The secrets in the files and variables that credentials name, so that they can be masked."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from lakecheck.credentials import place, token
from lakecheck.errors import BadCredential
from lakecheck.model import Credential

LARGEST = 2**20  # bytes of a file that may be a proxy
MARK = "PRIVATE KEY-----"


def known_secrets(credentials: Iterable[Credential]) -> Iterator[str]:
    """Give tokens, passwords, and each line of the proxies' private keys."""
    yield os.environ.get("BEARER_TOKEN", "").strip()
    for credential in credentials:
        yield from _key_lines(Path(place(credential) or os.devnull))
        yield str(credential.password)
        if credential.token:
            with contextlib.suppress(BadCredential):  # the check of the credential tells
                yield token.read(credential.token).text


def _key_lines(path: Path) -> Iterator[str]:
    try:
        usable = path.is_file() and path.stat().st_size <= LARGEST
        text = path.read_text("ascii", "replace") if usable else ""
    except OSError:
        return  # the check of the credential tells
    for block in text.split(MARK)[1::2]:
        yield from (line.strip() for line in block.splitlines() if "-----" not in line)
