"""What a run says of the catalogues that its inventory comes from."""

from __future__ import annotations

from collections.abc import Iterable

from lakecheck.spec import Source
from lakecheck.views.console import Console


def refresh(sources: Iterable[Source]) -> None:
    """Bring locks up to date before a run, and say on standard error what changed or failed."""
    from lakecheck import inventory  # loads an HTTP client, which other specs do not need

    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    for line in inventory.before_run(sources):
        errors.print(f"inventory: {line}", markup=False)
