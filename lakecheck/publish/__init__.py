"""The light client: a record of any probe goes to a broker or a server, or waits in a spool.

Nothing here imports more than the standard library, nor anything of lakecheck outside this room.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `lakecheck-publish` and give its exit code."""
    from lakecheck.publish.command import main as run

    return run(arguments)
