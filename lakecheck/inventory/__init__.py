"""Inventories from catalogues: CRIC, Rucio and FTS files → RSEs, and the locks that keep them."""

from lakecheck.inventory.catalogue import Catalogue, NotUnderstood
from lakecheck.inventory.differences import Differences, compare
from lakecheck.inventory.reading import Unread, fetch
from lakecheck.inventory.refresh import Refreshed, before_run, due, refresh, refresh_all, start
from lakecheck.inventory.sources import PARSERS, parse, read

__all__ = [
    "PARSERS",
    "Catalogue",
    "Differences",
    "NotUnderstood",
    "Refreshed",
    "Unread",
    "before_run",
    "compare",
    "due",
    "fetch",
    "parse",
    "read",
    "refresh",
    "refresh_all",
    "start",
]
