"""A run's folder: its name, `plan.json`, and `reports/latest`."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from lakecheck.documents.journal import RESULTS
from lakecheck.documents.result import rfc3339
from lakecheck.errors import UsageError

RUN_ID = re.compile(r"(\d{8}T\d{6})Z-[0-9a-f]{8}")
PLAN, LEDGER, JUNIT, REPORT, LOG = (
    "plan.json",
    "created.ndjson",
    "junit.xml",
    "report.html",
    "run.log",
)


def new_id(now: float | None = None) -> str:
    """A run's id, such as `20261121T090000Z-7f3a90c1`; CI shards share `LAKECHECK_RUN`."""
    given = os.environ.get("LAKECHECK_RUN", "")
    if given:
        if not RUN_ID.fullmatch(given):
            raise UsageError(
                f'LAKECHECK_RUN is "{given}"; a run is named like 20261121T090000Z-7f3a90c1'
            )
        return given
    moment = time.gmtime(now if now is not None else time.time())
    return f"{time.strftime('%Y%m%dT%H%M%SZ', moment)}-{secrets.token_hex(4)}"


class RunFolder(Struct):
    """One run: id, trigger, start (seconds since 1970) and the folder that it writes into."""

    id: str
    path: Path
    started: float
    trigger: str = "local"
    url: str = ""

    @classmethod
    def create(cls, reports: Path, folder: Path | None = None, run_id: str = "") -> RunFolder:
        """Begin a new run under `reports`, or in exactly `folder`.

        UsageError where the folder holds another run's documents already.
        """
        run_id = run_id or new_id()
        path = folder or reports / run_id
        if (path / RESULTS).exists():
            raise UsageError(
                f"{path} holds another run's documents; go on with it by `lakecheck run --resume`, "
                "or name another folder"
            )
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                told = f"cannot make the run's folder {path}: {error.strerror}"
                raise UsageError(told) from None
            # The run goes on: its documents are held until there is room.
        if folder is None:
            _point(reports / "latest", path.name)
        in_ci = bool(os.environ.get("CI"))
        return cls(
            id=run_id,
            path=path,
            started=time.time(),
            trigger="ci" if in_ci else "local",
            url=os.environ.get("CI_JOB_URL", "") if in_ci else "",
        )

    @classmethod
    def reopen(cls, path: Path) -> tuple[RunFolder, dict[str, Any]]:
        """Open a run that was begun before, with its plan; UsageError where there is none."""
        plan = read_plan(path)
        run = plan["run"]
        return cls(run["id"], path, run["started_at"], run["trigger"], run.get("url", "")), plan

    @property
    def journal(self) -> Path:
        """Its `results.ndjson`."""
        return self.path / RESULTS

    def describe(self) -> dict[str, Any]:
        """The `run` part of plan.json."""
        return {
            "id": self.id,
            "trigger": self.trigger,
            "started": rfc3339(self.started),
            "started_at": self.started,
            "url": self.url,
        }


def read_plan(path: Path) -> dict[str, Any]:
    """plan.json of a run's folder; UsageError where it is missing or torn."""
    try:
        plan: dict[str, Any] = msgspec.json.decode((path / PLAN).read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{path} is not a run's folder: it has no {PLAN}") from None
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{path / PLAN} cannot be read: {error}") from None
    if not isinstance(plan, dict) or not {"run", "spec", "checks"} <= set(plan):
        raise UsageError(f"{path / PLAN} is not the plan of a run")
    return plan


def find(reports: Path, name: str = "latest") -> Path:
    """Folder of a run given by path, id or `latest`; UsageError where there is none."""
    for candidate in (Path(name), reports / name):
        if (candidate / PLAN).exists() or (candidate / RESULTS).exists():
            return candidate.resolve()
    raise UsageError(f'there is no run "{name}" in {reports}; name a run\'s folder or its id')


def _point(link: Path, target: str) -> None:
    """Let a symbolic link point at a name beside it, at once and without a gap."""
    fresh = link.with_name(f".{link.name}-{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        fresh.symlink_to(target)
        fresh.replace(link)


def plan_document(
    run: RunFolder, spec: dict[str, Any], totals: dict[str, Any], checks: Sequence[str]
) -> bytes:
    """plan.json: what was asked, what it adds up to, and the address of every planned check."""
    return msgspec.json.encode(
        {**totals, "run": run.describe(), "spec": spec, "checks": list(checks)}
    )


def replace(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
