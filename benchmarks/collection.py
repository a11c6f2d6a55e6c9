"""What a check costs in pytest and in lakecheck, against plain parametrised test functions.

The storages are kept in memory, so that what is timed is all our own or pytest's.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

from measure import LAKECHECK, PYTEST, results, seconds, verdict

STEPS = 5  # checks of a functional case


def write_spec(folder: Path, checks: int) -> tuple[Path, int]:
    """A functional test with about that many checks, and how many there are."""
    cases = math.ceil(checks / STEPS)
    rses = math.isqrt(cases)
    sizes = math.ceil(cases / rses)
    lines = "".join(
        f"    R{number}: {{endpoints: ['davs://r{number}.example.org:443/lake']}}\n"
        for number in range(rses)
    )
    labels = ", ".join(f"{number + 1}B" for number in range(sizes))
    file = folder / f"memory-{checks}.lake.yaml"
    file.write_text(
        f"lakecheck: 1\ninventory:\n  rses:\n{lines}tests:\n"
        f"  storage: {{kind: functional, driver: memory, sizes: [{labels}]}}\n"
    )
    return file, rses * sizes * STEPS


def write_plain(folder: Path, checks: int) -> Path:
    """As many plain parametrised tests."""
    file = folder / f"test_plain_{checks}.py"
    file.write_text(
        "import pytest\n\n\n"
        f"@pytest.mark.parametrize('number', range({checks}))\n"
        "def test_plain(number):\n    pass\n"
    )
    return file


def pytest_seconds(folder: Path, file: Path, *options: str) -> float:
    """Seconds of a whole pytest run over one file, without its cache."""
    return seconds([*PYTEST, "-q", "-p", "no:cacheprovider", *options, file], folder)


def collecting(folder: Path, checks: int) -> None:
    """Compare collections."""
    spec, count = write_spec(folder, checks)
    plain = pytest_seconds(folder, write_plain(folder, count), "--collect-only")
    ours = pytest_seconds(folder, spec, "--collect-only")
    print(f"pytest --collect-only, {count} plain parametrised tests: {plain:.1f} s")
    print(f"pytest --collect-only, {count} checks of a spec: {ours:.1f} s")
    verdict("our seconds over plain ones", ours / plain, "at most 1", ours <= plain)


def running(folder: Path, checks: int) -> None:
    """Compare whole runs, start-up included."""
    spec, count = write_spec(folder, checks)
    plain = pytest_seconds(folder, write_plain(folder, count)) / count
    item = pytest_seconds(folder, spec, "--reports", str(folder / "pytest")) / count
    check = seconds([*LAKECHECK, "run", spec, "-o", folder / "run"], folder) / count
    if len(results(folder / "run")) != count or len(results(folder / "pytest")) != count:
        raise SystemExit("the runs left out checks")
    print(f"pytest, plain parametrised test: {plain * 1e3:.3f} ms each ({count} of them)")
    print(f"pytest, check of a spec: {item * 1e3:.3f} ms each")
    print(f"lakecheck run, check of a spec: {check * 1e3:.3f} ms each")
    verdict(
        "lakecheck run's cost over plain pytest's", check / plain, "below 0.333", check < plain / 3
    )


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collect", type=int, default=100_000, help="checks to collect")
    parser.add_argument("--run", type=int, default=20_000, help="checks to run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        collecting(Path(name), options.collect)
        running(Path(name), options.run)


if __name__ == "__main__":
    main()
