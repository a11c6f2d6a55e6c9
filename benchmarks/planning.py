"""Planning: seconds and memory for 100,000 cases, most of them links of a full mesh."""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from pathlib import Path

from measure import peak_memory, verdict


def write_spec(file: Path, cases: int) -> Path:
    """A full mesh of n RSEs has n·(n−1) links; a functional test fills up what is missing."""
    rses = math.isqrt(cases)
    links = rses * (rses - 1)
    lines = "".join(
        f"    R{number}: {{endpoints: ['davs://r{number}.example.org:443/lake']}}\n"
        for number in range(rses)
    )
    sizes = math.ceil((cases - links) / rses)
    labels = ", ".join(f"{number + 1}kB" for number in range(sizes))
    file.write_text(
        f"lakecheck: 1\ninventory:\n  rses:\n{lines}tests:\n"
        f"  storage: {{kind: functional, sizes: [{labels}]}}\n"
        "  mesh: {kind: tpc, via: direct, sizes: [1MB]}\n"
    )
    return file


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    options = parser.parse_args()

    from lakecheck import plan, spec  # what they need counts as memory of planning

    with tempfile.TemporaryDirectory() as folder:
        file = write_spec(Path(folder) / "large.lake.yaml", options.cases)
        start = time.perf_counter()
        loaded = spec.load([file])
        read = time.perf_counter()
        before = peak_memory()
        cases = plan.expand(loaded)
        took = time.perf_counter() - read
    print(f"reading the spec: {read - start:.2f} s, {before / 1e6:.0f} MB so far")
    print(f"{len(cases)} cases in {took:.2f} s, {took / len(cases) * 1e6:.1f} µs each")
    verdict("seconds of planning", took, "under 2", took < 2)
    peak = peak_memory() / 1e6
    verdict("MB of memory at most, interpreter included", peak, "under 200", peak < 200)


if __name__ == "__main__":
    main()
