"""How much a run may do at once."""

from __future__ import annotations

from msgspec import Struct

CLEANUP = 4.0  # seconds that removing what a case left may take beyond its timeout
CLEANUP_SILENT = 1.5  # the same where the endpoint never answered at all
DIAGNOSIS = 100.0  # seconds for finding out which level of a failed link is broken
HOUSEKEEPING = 5.0  # seconds for seeds and sweep together, at the end of a run
HOUSEKEEPING_TROUBLED = 2.0  # the same after something timed out


class Limits(Struct, frozen=True):
    """Cases in flight: in total, per RSE, and per endpoint until it has answered once.

    A hung endpoint costs as many waiting cases as may start before its silence is known, so an
    endpoint begins with one.
    """

    total: int = 64
    per_rse: int = 8
    unproven: int = 1
