"""Lists of accounts and scopes in stores: summed by name, and no field for each name."""

from __future__ import annotations

from typing import Any

from tests.sinks.search import Store, deliver, document

NAMES = 3000  # above the limit of an index's fields


def usage(number: int, rse: str, *scopes: tuple[str, int]) -> dict[str, Any]:
    told = [{"name": name, "used": used, "files": 1} for name, used in scopes]
    return document(number, kind="usage", check="scopes", rse=rse, usage__scopes=told)


def summed(store: Store, index: str, **query: Any) -> dict[str, float]:
    """What the page on usage asks for."""
    scopes = {
        "terms": {"field": "usage.scopes.name", "order": {"used": "desc"}},
        "aggs": {"used": {"sum": {"field": "usage.scopes.used"}}},
    }
    nested = {"nested": {"path": "usage.scopes"}, "aggs": {"scope": scopes}}
    found = store.search(index, size=0, aggs={"all": nested}, **query)
    buckets = found["aggregations"]["all"]["scope"]["buckets"]
    return {each["key"]: each["used"]["value"] for each in buckets}


def test_each_name_keeps_its_number(search_store: Store) -> None:
    made = [
        usage(1, "A", ("user.robot", 1), ("SKA_A", 20)),
        usage(2, "B", ("SKA_A", 300), ("user", 4000)),
    ]
    assert deliver(search_store, "scopes", *made) == []
    index = "scopes-*"
    assert summed(search_store, index) == {"user": 4000, "SKA_A": 320, "user.robot": 1}
    at_a = {"term": {"rse": "A"}}
    assert summed(search_store, index, query=at_a) == {"SKA_A": 20, "user.robot": 1}


def test_names_make_no_fields(search_store: Store) -> None:
    assert deliver(search_store, "few", usage(1, "A", ("SKA_A", 1))) == []
    before = search_store.ask("GET", "few-*/_mapping")
    many = [(f"user.{number}", number) for number in range(NAMES)]
    assert deliver(search_store, "few", usage(2, "B", *many)) == []
    assert search_store.ask("GET", "few-*/_mapping") == before
