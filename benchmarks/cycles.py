"""Functional cycles: lakecheck against the gfal-* command lines, and native drivers against gfal2.

A cycle is upload, stat, checksum, download and delete of 100 bytes. The command lines do less in
theirs (gfal-copy there, gfal-copy back, gfal-rm) and run one after the other, as scripts do; they
are timed on a sample of the endpoints.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from measure import LAKECHECK, results, seconds, span, verdict

from lakecheck.devlake import Lake

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
    for number, url in enumerate(urls):
        there, back = f"{url}/by-hand", folder / f"back-{number}"
        script += [f"gfal-copy -p {file} {there}", f"gfal-copy {there} {back}", f"gfal-rm {there}"]
    return seconds(["bash", "-c", "\n".join(script)], folder, environment) / len(urls)


def settings(lake: Lake) -> dict[str, str]:
    """What `. .lake/env` sets."""
    lines = (lake.folder / "env").read_text().splitlines()
    pairs = (line.removeprefix("export ").split("=", 1) for line in lines)
    return {name: text.strip("'") for name, text in pairs}


def run(folder: Path, spec: Path) -> tuple[float, float]:
    """Seconds of a whole run, and of its checks without start-up and end."""
    into = folder / spec.stem
    whole = seconds([*LAKECHECK, "run", spec, "-o", into], folder)
    return whole, span(results(into))


def compare(lake: Lake, folder: Path, count: int, sample: int, rounds: int) -> None:
    """Measure, and print both ratios."""
    urls = list(endpoints(lake, count))
    step = max(1, count // sample)
    chosen = urls[::step][: sample - sample % 2] if step % 2 else urls[:sample]
    by_hand = by_command_lines(chosen, folder, settings(lake))
    print(
        f"gfal-copy, gfal-copy, gfal-rm: {by_hand:.3f} s a cycle, one after the other "
        f"(sample: {len(chosen)} of {count} endpoints)"
    )
    once = write_spec(folder / "once.lake.yaml", lake, urls, "gfal2", "100B")
    whole, _ = run(folder, once)
    print(f"lakecheck run, gfal2: {whole:.2f} s for {count} cycles, start-up included")
    verdict(
        "lakecheck's rate over the command lines'",
        by_hand * count / whole,
        "at least 40",
        by_hand * count >= 40 * whole,
    )

    sizes = ", ".join(f"{100 + number}B" for number in range(rounds))
    cycles = count * rounds
    rates = {}
    for driver in ("gfal2", "native"):
        spec = write_spec(folder / f"{driver}.lake.yaml", lake, urls, driver, sizes)
        _, checks = run(folder, spec)
        rates[driver] = cycles / checks
        print(f"{driver}: {cycles} cycles in {checks:.2f} s after start-up, {rates[driver]:.0f}/s")
    ratio = rates["native"] / rates["gfal2"]
    verdict("native drivers' rate over gfal2's", ratio, "at least 3", ratio >= 3)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoints", type=int, default=300)
    parser.add_argument("--sample", type=int, default=20, help="endpoints for the command lines")
    parser.add_argument("--rounds", type=int, default=5, help="cycles an endpoint after start-up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Lake.start(folder / "lake", only=SERVERS) as lake:
            compare(lake, folder, options.endpoints, options.sample, options.rounds)


if __name__ == "__main__":
    main()
