"""A Rucio server → what its `export_data` gives, also to accounts that may not export."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import TYPE_CHECKING, Any, TypeVar

from lakecheck.drivers.rucio_client import CONNECT, client, told
from lakecheck.errors import Denied, DriverError, Missing
from lakecheck.inventory.reading import Unread
from lakecheck.spec.catalogues import Source

if TYPE_CHECKING:
    from rucio.client import Client

AT_ONCE = 8  # requests
MOST_ALONE = 40  # RSEs whose distances are asked one by one; of more they stay unknown

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def exported(source: Source) -> dict[str, Any]:
    """Ask a server for its RSEs and distances; Unread where it does not tell."""
    if source.unset:
        several = len(source.unset) > 1
        names = " and ".join(source.unset)
        raise Unread(
            f"the environment variable{'s' if several else ''} {names} "
            f"{'are' if several else 'is'} not set; export {'them' if several else 'it'} first"
        )
    assert source.service is not None
    limits = (min(CONNECT, source.timeout), source.timeout)
    try:
        made = client(source.service, source.credential, limits)
        with told(source.service, source.credential):
            return _asked(made, source)
    except DriverError as error:
        raise Unread(error.message, error) from None


def _asked(made: Client, source: Source) -> dict[str, Any]:
    assert source.service is not None
    try:
        with told(source.service, source.credential):
            found: dict[str, Any] = made.export_data()
            return found
    except Denied:
        return _one_by_one(made, source)


def _one_by_one(made: Client, source: Source) -> dict[str, Any]:
    """Ask for each RSE by itself, as any account may."""
    listed = {str(each["rse"]): each for each in made.list_rses()}

    def whole(name: str) -> dict[str, Any]:
        known = {**listed[name], **made.get_rse(name)}
        return {**known, "attributes": made.list_rse_attributes(name)}

    def distance(pair: tuple[str, str]) -> Any:
        assert source.service is not None
        try:
            with told(source.service, source.credential):
                return next(iter(made.get_distance(*pair)), None)
        except Missing:
            return None

    found: dict[str, Any] = {"rses": dict(zip(listed, _all(whole, listed), strict=True))}
    if len(listed) <= MOST_ALONE:
        pairs = list(permutations(listed, 2))
        distances: dict[str, dict[str, Any]] = {}
        for (one, other), known in zip(pairs, _all(distance, pairs), strict=True):
            if known:
                distances.setdefault(one, {})[other] = known
        found["distances"] = distances
    return found


def _all(ask: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lakecheck-rucio") as threads:
        return list(threads.map(ask, items))
