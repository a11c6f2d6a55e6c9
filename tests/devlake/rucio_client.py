"""Rucio's own client, as a user of a lake's Rucio has it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from rucio.client import Client
from rucio.common import config

from lakecheck.devlake import Lake

SCOPE = "testing"


def environment(lake: Lake) -> dict[str, str]:
    """What `. .lake/env` sets."""
    found = dict(os.environ)
    for line in (lake.folder / "env").read_text().splitlines():
        name, _, value = line.removeprefix("export ").partition("=")
        found[name] = value.strip("'")
    return found


class RucioClient:
    """An account's view: REST calls in this process, uploads in one of their own."""

    def __init__(self, lake: Lake, account: str = "lake") -> None:
        self.lake = lake
        told = lake.services["rucio"]
        with pytest.MonkeyPatch.context() as patch:
            # Each account has a file of its own, since the file names the one of the token.
            patch.setenv(
                "RUCIO_CONFIG", told["client"] if account == "lake" else told["root"]["client"]
            )
            config.clean_cached_config()
            self.plain = Client()

    def upload(self, rse: str, name: str, content: bytes, folder: Path) -> None:
        """Upload a file with the command line; it loads gfal2, which ends with it."""
        path = folder / name
        path.write_bytes(content)
        rucio = Path(sys.executable).with_name("rucio")
        command = [str(rucio), "upload", "--rse", rse, "--scope", SCOPE, str(path)]
        done = subprocess.run(
            command, env=environment(self.lake), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def rule(self, name: str, rses: str, lifetime: int = 3600) -> str:
        """Ask for one copy on an RSE expression."""
        dids = [{"scope": SCOPE, "name": name}]
        [rule] = self.plain.add_replication_rule(dids, 1, rses, lifetime=lifetime)
        return str(rule)

    def state(self, rule: str) -> str:
        """Look at a rule: OK, REPLICATING or STUCK."""
        return str(self.plain.get_replication_rule(rule)["state"])

    def heartbeats(self) -> dict[str, dict[str, Any]]:
        """The daemons that live, by name."""
        host, token = self.plain.host, self.plain.auth_token
        answer = requests.get(
            f"{host}/heartbeats", headers={"X-Rucio-Auth-Token": token}, timeout=10
        )
        return {each["readable"]: each for each in answer.json()}


def until(holds: Callable[[], bool], within: float = 60) -> None:
    """Wait for something that daemons bring about."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)
