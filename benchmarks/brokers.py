"""Documents through a real broker: our sink and source against plain loops of its client library.

Both sides give the same guarantee: nothing counts as sent before the broker has it on its disk, and
nothing as received before it is in a file.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
from pathlib import Path

BROKERS = tuple(
    sorted(
        file.stem.removeprefix("brokers_") for file in Path(__file__).parent.glob("brokers_*.py")
    )
)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", choices=BROKERS, action="append", help="default: all")
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--turns", type=int, default=5, help="how often each pair is measured")
    options = parser.parse_args()
    for broker in options.broker or BROKERS:
        with tempfile.TemporaryDirectory() as name:
            module = importlib.import_module(f"brokers_{broker}")
            module.compare(Path(name), options.documents, options.turns)


if __name__ == "__main__":
    main()
