"""A large upload through lakecheck against the same copy by gfal2 alone, and the memory it takes.

Both sides are timed in turn, several rounds, and the best of each counts: a disk shared with
others only ever makes one slower.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import psutil
from measure import LAKECHECK, results, seconds, verdict

from lakecheck.devlake import Lake
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
    """Samples the memory of everything that this process started, every 50 ms."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._ended = threading.Event()

    def run(self) -> None:
        """Keep the largest sum."""
        lake = {child.pid for child in psutil.Process().children(recursive=True)}
        while not self._ended.wait(0.05):
            total = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    total += 0 if child.pid in lake else child.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak = max(self.peak, total)

    def end(self) -> int:
        """Stop, and give the peak in bytes."""
        self._ended.set()
        self.join()
        return self.peak


def by_gfal2(file: Path, url: str, ca: Path) -> float:
    """Seconds of one filecopy in a process of its own."""
    settings = {"SSL_CERT_FILE": f"{ca}/ca-bundle.pem", "X509_CERT_DIR": str(ca)}
    command = ["/usr/bin/env", *(f"{name}={text}" for name, text in settings.items())]
    done = subprocess.run(
        [*command, sys.executable, "-c", ALONE, str(file), url],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"gfal2 alone failed: {done.stderr}")
    return float(done.stdout.split()[-1])


def by_lakecheck(folder: Path, lake: Lake, url: str, size: str) -> tuple[float, int]:
    """Seconds of the check `upload`, and peak bytes of memory of all of lakecheck."""
    spec = folder / "large.lake.yaml"
    spec.write_text(
        f"lakecheck: 1\ninventory:\n  ca: {lake.ca}\n  rses: {{R: {{endpoints: ['{url}']}}}}\n"
        f"tests: {{large: {{kind: functional, sizes: [{size}], timeout: 10m}}}}\n"
    )
    into = Path(tempfile.mkdtemp(dir=folder))
    watch = MemoryWatch()
    watch.start()
    seconds([*LAKECHECK, "run", spec, "-o", into], folder)
    peak = watch.end()
    uploads = [one["duration"] for one in results(into) if one["check"] == "upload"]
    return uploads[0], peak


def compare(folder: Path, lake: Lake, size: str, rounds: int) -> None:
    """Measure both protocols, and print what was seen."""
    file = folder / "file"
    with file.open("wb") as handle:
        block = bytes(range(256)) * 4096
        for start in range(0, read_size(size), len(block)):
            handle.write(block[: read_size(size) - start])
    for url in (lake.rses["LAKE-1"].root, lake.rses["LAKE-1"].davs):
        protocol = url.partition(":")[0]
        alone, ours, peaks = [], [], []
        _, small = by_lakecheck(folder, lake, url, "100B")
        for number in range(rounds):
            alone.append(by_gfal2(file, f"{url}/alone-{number}", lake.ca))
            took, peak = by_lakecheck(folder, lake, url, size)
            ours.append(took)
            peaks.append(peak)
        print(
            f"{protocol}: upload of {size}, best of {rounds}: gfal2 alone {min(alone):.2f} s, "
            f"lakecheck {min(ours):.2f} s"
        )
        ratio = min(ours) / min(alone)
        verdict(f"{protocol}: lakecheck's seconds over gfal2's", ratio, "at most 1.1", ratio <= 1.1)
        more = (max(peaks) - small) / 1e6
        print(
            f"{protocol}: memory of lakecheck at most {max(peaks) / 1e6:.0f} MB, {more:.0f} MB "
            f"more than with 100B"
        )


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1GiB")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Lake.start(folder / "lake", only=["LAKE-1"]) as lake:
            compare(folder, lake, options.size, options.rounds)


if __name__ == "__main__":
    main()
