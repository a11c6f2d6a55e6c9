"""What gfal2's GErrors mean, by code, message and protocol."""

from __future__ import annotations

from lakecheck.drivers.classify import build, first, host_of, rule
from lakecheck.errors import DriverError, Missing, Unclassified
from lakecheck.model import Credential

RULES = (rule(Missing, 2, phase="request"), rule(Unclassified))


def explain(
    code: int | None, text: str, url: str, credential: Credential, source: str = ""
) -> DriverError:
    """Give the error for a GError; `source` is set for copies."""
    protocol = url.partition(":")[0]
    found = first(RULES, code or 0, text, protocol)
    return build(found, text, credential, code=code, host=host_of(url))
