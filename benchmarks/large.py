"""A large upload through lakecheck against the same copy by gfal2 alone, and the memory it takes.

Both sides are timed in turn, several rounds, and the best of each counts: a disk shared with
others only ever makes one slower. Both upload a file that was made a moment before, the same way,
and memory is touched before, as a virtual machine gets back unused pages slowly. Neither
side's start-up counts: gfal2 is imported before, and lakecheck uploads 100 bytes first. Memory is
flat if a quarter of the size takes as much.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil
from measure import LAKECHECK, results, seconds, verdict

from lakecheck.devlake import Lake
from lakecheck.engine.payloads import make
from lakecheck.units import show_size
from lakecheck.units import size as read_size

ALONE = """
import sys, time, gfal2
context = gfal2.creat_context()
parameters = context.transfer_parameters()
parameters.timeout, parameters.create_parent = 600, True
start = time.perf_counter()
context.filecopy(parameters, "file://" + sys.argv[1], sys.argv[2])
print(time.perf_counter() - start)
context.unlink(sys.argv[2])
"""


class MemoryWatch(threading.Thread):
    """Samples the largest process that this one started, lake aside, every 50 ms."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._ended = threading.Event()

    def run(self) -> None:
        """Keep the largest."""
        lake = {child.pid for child in psutil.Process().children(recursive=True)}
        while not self._ended.wait(0.05):
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    if child.pid not in lake:
                        self.peak = max(self.peak, child.memory_info().rss)

    def end(self) -> int:
        """Stop, and give the peak in bytes."""
        self._ended.set()
        self.join()
        return self.peak


def touch_memory(folder: Path, size: int) -> None:
    """Have the machine's memory at hand: a virtual machine gets back unused pages slowly."""
    file, block = folder / "touched", bytes(1 << 20)
    with file.open("wb") as handle:
        for _ in range(size >> 20):
            handle.write(block)
    file.unlink()


def by_gfal2(file: Path, url: str, ca: Path) -> float:
    """Seconds of one filecopy in a process of its own."""
    settings = {
        "SSL_CERT_FILE": f"{ca}/ca-bundle.pem",
        "SSL_CERT_DIR": str(ca),
        "X509_CERT_DIR": str(ca),
    }
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(file), url],
        env=os.environ | settings,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"gfal2 alone failed: {done.stderr}")
    return float(done.stdout.split()[-1])


def by_lakecheck(folder: Path, lake: Lake, url: str, size: str) -> tuple[float, int]:
    """Seconds of the check `upload`, and peak bytes of memory of lakecheck's largest process."""
    spec = folder / "large.lake.yaml"
    spec.write_text(
        f"lakecheck: 1\ninventory:\n  ca: {lake.ca}\n  rses: {{R: {{endpoints: ['{url}']}}}}\n"
        f"tests: {{large: {{kind: functional, sizes: [100B, {size}], timeout: 10m}}}}\n"
    )
    into = Path(tempfile.mkdtemp(dir=folder))
    watch = MemoryWatch()
    watch.start()
    seconds([*LAKECHECK, "run", spec, "-o", into, "--jobs", "1"], folder)
    peak = watch.end()
    found = [one for one in results(into) if one["check"] == "upload" and one["size"] != 100]
    return float(found[0]["duration"]), peak


def compare(folder: Path, lake: Lake, bytes_: int, rounds: int) -> None:
    """Measure both protocols, and print what was seen."""
    file = folder / "file"
    for url in (lake.rses["LAKE-1"].root, lake.rses["LAKE-1"].davs):
        protocol = url.partition(":")[0]
        alone, ours, peaks = [], [], []
        _, quarter = by_lakecheck(folder, lake, url, f"{bytes_ // 4}B")
        for number in range(rounds):
            touch_memory(folder, 3 * bytes_)
            payload = make(file, bytes_, f"{protocol}-{number}")
            alone.append(by_gfal2(file, f"{url}/alone-{number}", lake.ca))
            Path(payload.path).unlink()
            touch_memory(folder, 3 * bytes_)
            took, peak = by_lakecheck(folder, lake, url, f"{bytes_}B")
            ours.append(took)
            peaks.append(peak)
        print(
            f"{protocol}: upload of {show_size(bytes_)}, best of {rounds}: "
            f"gfal2 alone {min(alone):.2f} s, lakecheck {min(ours):.2f} s"
        )
        ratio = min(ours) / min(alone)
        verdict(f"{protocol}: lakecheck's seconds over gfal2's", ratio, "at most 1.1", ratio <= 1.1)
        print(
            f"{protocol}: memory of lakecheck's largest process at most "
            f"{show_size(max(peaks))}, with a quarter of the size {show_size(quarter)}"
        )
        flat = max(peaks) / quarter
        verdict(f"{protocol}: memory over that of a quarter", flat, "at most 1.2", flat <= 1.2)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1GiB")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Lake.start(folder / "lake", only=["LAKE-1"]) as lake:
            compare(folder, lake, read_size(options.size), options.rounds)


if __name__ == "__main__":
    main()
