"""What the benchmarks share: commands that are timed, journals that are read, ratios."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

LAKECHECK = (str(Path(sys.executable).with_name("lakecheck")),)
PYTEST = (sys.executable, "-m", "pytest")


def seconds(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str] | None = None
) -> float:
    """Wall-clock seconds of a command, its start-up included; ends the benchmark if it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    took = time.perf_counter() - start
    if done.returncode != 0:
        words = " ".join(str(part) for part in command)
        sys.exit(f"{words}\nended with {done.returncode}:\n{done.stdout[-4000:]}")
    return took


def results(run: Path) -> list[dict[str, Any]]:
    """The result documents of a run's folder; ends the benchmark unless all passed."""
    documents = [json.loads(line) for line in (run / "results.ndjson").read_text().splitlines()]
    found = [one for one in documents if one["document"] == "result"]
    bad = [one for one in found if one["status"] != "passed"]
    if bad or not found:
        sys.exit(f"{len(bad)} of {len(found)} checks did not pass, the first: {bad[:1]}")
    return found


def instant(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time."""
    return datetime.fromisoformat(text).timestamp()


def peak_memory(process: int | str = "self") -> int:
    """Bytes of memory that a process held at most, this one if no other is named."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise OSError("the kernel tells no VmHWM")


def verdict(what: str, seen: float, wanted: str, met: bool) -> None:
    """Print one promise, with what was seen."""
    print(f"{'met   ' if met else 'MISSED'}  {what}: {seen:.3g}, promised {wanted}")
