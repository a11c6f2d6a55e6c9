"""RSEs, protocols, attributes and distances from a real Rucio server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lakecheck.devlake import Lake
from lakecheck.errors import BadCredential, TesterFailed, Unreachable
from lakecheck.inventory import Catalogue, Unread, compare, read, refresh
from lakecheck.spec import Source, load, sources
from tests.inventory import rucio

Named = Callable[..., Source]


@pytest.fixture
def source(rucio_lake: Lake, tmp_path: Path) -> Named:
    def named(inventory: str = "rucio: {service: rucio}", credential: str = "root") -> Source:
        path = rucio.write(tmp_path / "a.lake.yaml", inventory, credential)
        (found,) = sources([path], rucio.variables(rucio_lake))
        return found

    return named


def test_all_that_it_knows(source: Named, rucio_lake: Lake) -> None:
    found = read(source())

    assert list(found.rses) == ["LAKE-1", "LAKE-2"]
    first = found.rses["LAKE-1"]
    expected = {
        f"{url}/rucio" for url in (rucio_lake.rses["LAKE-1"].root, rucio_lake.rses["LAKE-1"].davs)
    }
    assert set(first.endpoints) == expected
    assert first.tpc == ("pull", "push")
    assert first.attributes["QOS"] == "FAST"
    assert first.attributes["fts"] == rucio_lake.services["fts"]["plain"]
    assert first.attributes["country"] == "CH"
    assert "country_name" not in first.attributes
    assert found.distances == {"LAKE-1": {"LAKE-2": 1}, "LAKE-2": {"LAKE-1": 1}}
    assert found.ignored == ()


def test_an_account_that_may_not_export_sees_the_same(source: Named) -> None:
    exporting, asking = read(source()), read(source(credential="lake"))

    assert not compare(exporting, asking).changes
    assert exporting == asking


SHORT = (
    'rucio: {url: "${RUCIO_SERVER}", auth: "${RUCIO_SERVER}/", account: lake, '
    "credential: lake, timeout: 10s}"
)


def test_a_server_without_an_entry_in_services(source: Named, rucio_lake: Lake) -> None:
    found = source(SHORT)

    assert found.service is not None
    assert found.service.options.account == "lake"
    assert read(found) == read(source())


def test_a_lock_plans_without_the_server(
    source: Named, rucio_lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (outcome,) = refresh([source()])

    assert outcome.lock is not None
    assert outcome.lock.address == "${RUCIO_SERVER}"
    assert outcome.lock.distances == {"LAKE-1": {"LAKE-2": 1}, "LAKE-2": {"LAKE-1": 1}}
    written = outcome.source.lock.read_text()
    assert not any(value in written for value in rucio.variables(rucio_lake).values())
    for name in rucio.variables(rucio_lake):
        monkeypatch.delenv(name, raising=False)
    spec = load([tmp_path / "a.lake.yaml"], os.environ)
    assert list(spec.inventory.rses) == ["LAKE-1", "LAKE-2"]


def test_variables_that_are_not_set(tmp_path: Path) -> None:
    path = rucio.write(tmp_path / "a.lake.yaml")
    (found,) = sources([path], {"RUCIO_SERVER": "http://127.0.0.1:1"})

    with pytest.raises(Unread, match="variable RUCIO_PASSWORD is not set; export it") as caught:
        read(found)
    assert isinstance(caught.value.error, TesterFailed)


def test_why_it_cannot_be_read(tmp_path: Path, rucio_lake: Lake) -> None:
    path = rucio.write(tmp_path / "a.lake.yaml")
    settings = rucio.variables(rucio_lake)

    (wrong,) = sources([path], {**settings, "RUCIO_PASSWORD": "wrong"})
    with pytest.raises(Unread, match='does not accept user "root"') as caught:
        read(wrong)
    assert isinstance(caught.value.error, BadCredential)

    (away,) = sources([path], {**settings, "RUCIO_SERVER": "http://127.0.0.1:1"})
    with pytest.raises(Unread, match="Connection refused") as caught:
        read(away)
    assert isinstance(caught.value.error, Unreachable)
    assert caught.value.error.side == "service"


def test_distances_of_cric_and_rucio_compare(source: Named) -> None:
    found = read(source())
    other = Catalogue(found.rses, (), {"LAKE-1": {"LAKE-2": 3}})

    told = [(each.sign, each.rse, each.what) for each in compare(other, found).changes]

    assert told == [("~", "LAKE-1", "distance LAKE-2"), ("+", "LAKE-2", "distance LAKE-1")]
