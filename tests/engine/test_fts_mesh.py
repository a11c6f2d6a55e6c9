"""A full mesh of twelve RSEs through FTS, two of which are broken."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from lakecheck.devlake import Lake
from tests.engine.fts_lake import copies, nothing_is_left, run

NAMES = [f"LAKE-{number}" for number in range(1, 13)]
REFUSING, DENYING = "LAKE-5", "LAKE-9"


def test_two_broken_ones_break_nothing_else(tmp_path: Path) -> None:
    with Lake.start(tmp_path / "lake", rses=12, only=NAMES, services=["fts"]) as lake:
        settings = lake.services["fts"]
        services = (
            f"services:\n  mine: {{kind: fts, url: '{settings['url']}', ca: '{settings['ca']}',"
            " credential: lake}\n"
        )
        test = "files: 4, timeout: 120s, credentials: [lake]"
        file = copies(lake, tmp_path, test=test, services=services)
        file.write_text(file.read_text().replace("via: fts", "via: mine"))
        lake.fault(REFUSING, "refuse")
        lake.fault(DENYING, "deny")
        began = time.monotonic()

        found = run(file, tmp_path / "out", 1, timeout=300)

        took = time.monotonic() - began
        print(f"132 links x 4 files took {took:.0f}s")  # noqa: T201 (shown where it fails)
        for name in (REFUSING, DENYING):
            lake.fault(name, "none")
        nothing_is_left(lake)
    assert found.pop("credentials::lake.valid")["status"] == "passed"
    assert len(found) == 132
    for told in found.values():
        source, destination = told["source.rse"], told["destination.rse"]
        if source in (REFUSING, DENYING):
            assert told["status"] == "blocked", told
            assert told["blocked_by"] == f"c::{source}.davs.1kB.seed"
        elif destination in (REFUSING, DENYING):
            assert told["status"] == "failed", told
            assert (told["error.side"], told["tpc.failed"]) == ("destination", 4)
            assert told["error.class"] == {REFUSING: "unreachable", DENYING: "denied"}[destination]
        else:
            assert (told["status"], told["files"]) == ("passed", 4), told
    assert Counter(told["status"] for told in found.values()) == {
        "passed": 90,
        "failed": 20,
        "blocked": 22,
    }
