"""A rule for many files, from being asked for to OK: lakecheck, a bare loop, Rucio's own times.

Each turn replicates two datasets of as many files over the same link: one by `lakecheck run`, one
by a loop of Rucio's client that adds a rule and looks at it twice a second. Rucio's own time of a
rule is from its created_at to the updated_at with which it became OK, read from Rucio's database,
since its REST interface tells seconds only and lakecheck removes the rule when it has seen enough.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from measure import LAKECHECK, results, seconds, verdict

from lakecheck.devlake import Lake

SIZE = 1000  # bytes
SOURCE, DESTINATION = "LAKE-1", "LAKE-2"
LOOK = 0.5  # seconds between two looks of the bare loop
SAMPLE = 0.05  # seconds between two looks at the database
OK = "SELECT id, created_at, updated_at FROM rules WHERE state = 'O'"


class Timestamps(threading.Thread):
    """Notes how long Rucio says that each rule took, while it is still there."""

    def __init__(self, database: Path) -> None:
        super().__init__(daemon=True)
        self.took: dict[str, float] = {}
        self._database = database
        self._ended = threading.Event()

    def run(self) -> None:
        """Look for rules that have become OK."""
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as connection:
            while not self._ended.wait(SAMPLE):
                for known, *times in connection.execute(OK):
                    rule = known.hex() if isinstance(known, bytes) else known.lower()
                    created, updated = map(datetime.fromisoformat, times)
                    # Whatever is changed later (its lifetime, say) is no part of it.
                    self.took.setdefault(rule, (updated - created).total_seconds())

    def end(self) -> None:
        """Stop."""
        self._ended.set()
        self.join()


def settings(lake: Lake) -> dict[str, str]:
    """What `. .lake/env` sets."""
    lines = (lake.folder / "env").read_text().splitlines()
    pairs = (line.removeprefix("export ").split("=", 1) for line in lines)
    return {name: text.strip("'") for name, text in pairs}


def by_lakecheck(lake: Lake, folder: Path, files: int) -> tuple[str, float]:
    """A rule's id, and the seconds that its check took."""
    spec = folder / "replication.lake.yaml"
    spec.write_text(
        f"lakecheck: 1\ninclude: [{lake.inventory}]\ntests:\n"
        f"  many: {{kind: replication, via: rucio, on: {SOURCE}|{DESTINATION}, files: {files}, "
        f"sizes: [{SIZE}B], timeout: 30m}}\n"
    )
    into = Path(tempfile.mkdtemp(dir=folder))
    link = f"{SOURCE}~{DESTINATION}"
    seconds([*LAKECHECK, "run", spec, "-o", into, "-k", f"{link} and rule"], folder)
    (found,) = (one for one in results(into) if one["check"] == "rule")
    return str(found["replication.rule"]), float(found["duration"])


def by_hand(lake: Lake, folder: Path, client: Any, files: int) -> tuple[str, float]:
    """The same by a loop of Rucio's client; uploads are those of its command line."""
    name = f"bare-{secrets.token_hex(4)}"
    paths = [folder / f"{name}.{number}" for number in range(files)]
    for path in paths:
        path.write_bytes(secrets.token_bytes(SIZE))
    scope = lake.services["rucio"]["scope"]
    rucio = Path(sys.executable).with_name("rucio")
    upload = [rucio, "upload", "--rse", SOURCE, "--scope", scope, f"{scope}:{name}", *paths]
    seconds(upload, folder, settings(lake))
    start = time.perf_counter()
    dids = [{"scope": scope, "name": name}]
    [rule] = client.add_replication_rule(dids, 1, DESTINATION, lifetime=3600, grouping="ALL")
    while client.get_replication_rule(rule)["state"] != "OK":
        time.sleep(LOOK)
    return str(rule), time.perf_counter() - start


@contextmanager
def _rucio(lake: Lake) -> Iterator[Any]:
    """Rucio's client, configured by the lake."""
    os.environ["RUCIO_CONFIG"] = lake.services["rucio"]["client"]
    from rucio.client import Client

    yield Client()


def measure(lake: Lake, folder: Path, files: int, turns: int) -> None:
    """Take turns, and print what came of them."""
    watch = Timestamps(Path(lake.record.home, "data", "rucio", "data", "rucio.db"))
    watch.start()
    ours: list[float] = []
    bare: list[float] = []
    slower: list[float] = []
    with _rucio(lake) as client:
        for _ in range(turns):
            rule, seen = by_lakecheck(lake, folder, files)
            other, looped = by_hand(lake, folder, client, files)
            time.sleep(2 * SAMPLE)
            own, own_bare = watch.took[rule], watch.took[other]
            ours.append(seen / own)
            bare.append(looped / own_bare)
            slower.append(own / own_bare)
            print(
                f"a rule for {files} files: lakecheck {seen:.2f} s, by Rucio's times {own:.2f} s; "
                f"bare loop {looped:.2f} s, by Rucio's times {own_bare:.2f} s"
            )
    watch.end()
    print(f"by Rucio's times, rules of lakecheck took {median(slower):.2f} of those of the loop")
    ratio = median(ours)
    verdict("lakecheck's seconds over Rucio's own", ratio, "at most 1.15", ratio <= 1.15)
    ratio = median(ours) / median(bare)
    verdict("that over the same of the bare loop", ratio, "at most 1.15", ratio <= 1.15)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Lake.start(folder / "lake", only=[SOURCE, DESTINATION], services=["rucio"]) as lake:
            measure(lake, folder, options.files, options.turns)


if __name__ == "__main__":
    main()
