"""Functional cycles: lakecheck against the gfal-* command lines, and native drivers against gfal2.

A cycle is upload, stat, checksum, download and delete of 100 bytes. The command lines do less in
theirs (gfal-copy there, gfal-copy back, gfal-rm) and run one after the other, as scripts do; they
are timed on a sample of the endpoints. What is compared takes turns, and the median counts.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from measure import LAKECHECK, instant, results, seconds, verdict

from lakecheck.devlake import Lake

STEPS = 5  # checks a cycle
SERVERS = ("LAKE-1", "LAKE-2", "LAKE-3")


def endpoints(lake: Lake, count: int) -> Iterator[str]:
    """Addresses on three servers, root and davs in turn, each with a folder of its own."""
    for number in range(count):
        rse = lake.rses[SERVERS[number // 2 % len(SERVERS)]]
        base = rse.root if number % 2 else rse.davs
        yield f"{base}/e{number}"


def write_spec(file: Path, lake: Lake, urls: list[str], driver: str, sizes: str) -> Path:
    """A functional test of every endpoint, each an RSE of its own."""
    rses = "".join(f"    E{number}: {{endpoints: ['{url}']}}\n" for number, url in enumerate(urls))
    file.write_text(
        f"lakecheck: 1\ninventory:\n  ca: {lake.ca}\n  rses:\n{rses}"
        f"tests:\n  cycles: {{kind: functional, driver: {driver}, sizes: [{sizes}]}}\n"
    )
    return file


def by_command_lines(urls: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Seconds of one cycle of gfal-copy, gfal-copy, gfal-rm, averaged over endpoints."""
    file = folder / "file"
    file.write_bytes(b"x" * 100)
    script = ["set -e"]
    for url in urls:
        there, back = f"{url}/by-hand", folder / f"back-{secrets.token_hex(4)}"
        script += [f"gfal-copy -p {file} {there}", f"gfal-copy {there} {back}", f"gfal-rm {there}"]
    return seconds(["bash", "-c", "\n".join(script)], folder, environment) / len(urls)


def settings(lake: Lake) -> dict[str, str]:
    """What `. .lake/env` sets."""
    lines = (lake.folder / "env").read_text().splitlines()
    pairs = (line.removeprefix("export ").split("=", 1) for line in lines)
    return {name: text.strip("'") for name, text in pairs}


def run(folder: Path, spec: Path) -> tuple[float, float]:
    """Seconds of a whole run; checks a second once its first tenth is done."""
    into = folder / f"{spec.stem}-{secrets.token_hex(4)}"
    whole = seconds([*LAKECHECK, "run", spec, "-o", into], folder)
    ends = sorted(instant(one["@timestamp"]) for one in results(into))
    first = len(ends) // 10
    return whole, (len(ends) - first) / (ends[-1] - ends[first])


def against_command_lines(
    lake: Lake, folder: Path, urls: list[str], sample: int, turns: int
) -> None:
    """Take turns with the command lines, since the machine may be quicker now than later."""
    ratios = []
    for turn in range(turns):
        # Every turn starts elsewhere, and has as many root endpoints as davs.
        chosen = [urls[(turn * sample + number) % len(urls)] for number in range(sample)]
        by_hand = by_command_lines(chosen, folder, settings(lake))
        spec = write_spec(folder / "once.lake.yaml", lake, urls, "gfal2", "100B")
        whole, _ = run(folder, spec)
        ratios.append(by_hand * len(urls) / whole)
        print(
            f"gfal-copy, gfal-copy, gfal-rm: {by_hand:.3f} s a cycle, one after the other, "
            f"of {len(chosen)} endpoints; lakecheck run, gfal2: {whole:.2f} s for {len(urls)} "
            f"cycles, start-up included: {ratios[-1]:.1f} times the rate"
        )
    middle = median(ratios)
    verdict("lakecheck's rate over the command lines'", middle, "at least 40", middle >= 40)


def native_against_gfal2(lake: Lake, folder: Path, urls: list[str], turns: int) -> None:
    """Take turns with both drivers, each with five cycles an endpoint."""
    ratios = []
    for _ in range(turns):
        rates = {}
        for driver in ("gfal2", "native"):
            sizes = ", ".join(f"{size}B" for size in range(100, 105))
            spec = write_spec(folder / f"{driver}.lake.yaml", lake, urls, driver, sizes)
            rates[driver] = run(folder, spec)[1] / STEPS
        ratios.append(rates["native"] / rates["gfal2"])
        told = ", ".join(f"{driver} {rate:.0f}/s" for driver, rate in rates.items())
        print(f"cycles of {STEPS} checks after start-up: {told}: {ratios[-1]:.2f}")
    verdict("native drivers' rate over gfal2's", median(ratios), "at least 3", median(ratios) >= 3)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoints", type=int, default=300)
    parser.add_argument("--sample", type=int, default=12, help="endpoints for the command lines")
    parser.add_argument("--turns", type=int, default=5, help="how often each pair is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Lake.start(folder / "lake", only=SERVERS) as lake:
            urls = list(endpoints(lake, options.endpoints))
            against_command_lines(lake, folder, urls, options.sample, options.turns)
            native_against_gfal2(lake, folder, urls, options.turns)


if __name__ == "__main__":
    main()
