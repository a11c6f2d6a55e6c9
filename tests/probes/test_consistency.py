"""`kind: consistency`: CRIC and a real Rucio, compared RSE by RSE in runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakecheck.cli import call
from lakecheck.devlake import Lake
from lakecheck.inventory import rucio_server
from lakecheck.plan import expand
from lakecheck.spec import load, sources
from tests.engine.runs import Document, by_address
from tests.inventory import rucio
from tests.inventory.conftest import cric
from tests.inventory.samples import encoded
from tests.inventory.server import Cric

__all__ = ["cric"]

TESTS = """\
tests:
  catalogues: {kind: consistency, between: [cric, rucio]%s}
"""
INVENTORY = 'cric: {url: "%s"}\n  rucio: {service: rucio, frozen: true}\n  except: [HIDDEN]'
Run = Callable[..., dict[str, Document]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rucio_lake: Lake) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in rucio.variables(rucio_lake).items():
        monkeypatch.setenv(name, value)
    for name in ("CI", "LAKECHECK_RUN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def exported(rucio_lake: Lake) -> dict[str, Any]:
    """What CRIC would say, if it said the same as Rucio."""
    path = rucio.write(Path("export/a.lake.yaml"))
    (source,) = sources([path])
    found = rucio_server.exported(source)
    for rse in found["rses"].values():
        for name in ("created_at", "updated_at"):
            del rse[name]
        attributes = rse.pop("attributes")
        rse["params"] = {
            name: value
            for name, value in attributes.items()
            if name not in (rse["rse"], "country_name")
        }
    distances = {
        one: {other: {"distance": told["distance"]} for other, told in row.items()}
        for one, row in found["distances"].items()
    }
    return {"rses": found["rses"], "distances": distances}


@pytest.fixture
def run(cric: Cric) -> Run:
    """Run the test over what CRIC says; gives the documents by check."""

    def over(*arguments: str, more: str = "", code: int = 0) -> dict[str, Document]:
        rucio.write(Path("specs/a.lake.yaml"), INVENTORY % cric.url, more=TESTS % more)
        assert call(["inventory", "update"]) == 0
        cric.asked = 0
        out = f"out-{len(list(Path().glob('out-*')))}"
        assert call(["run", "-q", "-o", out, *arguments]) == code
        return by_address(Path(out))

    return over


def statuses(found: dict[str, Document]) -> dict[str, str]:
    return {name: document["status"] for name, document in found.items()}


def test_catalogues_that_agree(run: Run, cric: Cric, exported: dict[str, Any]) -> None:
    cric.says(exported)

    found = run()

    assert statuses(found) == {
        "credentials::root.valid": "passed",
        "catalogues::catalogues.read": "passed",
        "catalogues::others.complete": "passed",
        "catalogues::LAKE-1.agree": "passed",
        "catalogues::LAKE-2.agree": "passed",
    }
    assert found["catalogues::catalogues.read"]["consistency.rses"] == 2
    agreed = found["catalogues::LAKE-1.agree"]
    assert agreed["rse"] == "LAKE-1"
    assert agreed["labels.QOS"] == "FAST"
    assert agreed["consistency.between"] == ["cric", "rucio"]
    assert "consistency.differences" not in agreed
    assert cric.asked == 2  # by the run for its plan, and by the test, once for all RSEs


def spoil(exported: dict[str, Any]) -> None:
    first = exported["rses"]["LAKE-1"]
    first["country_name"] = first["params"]["country"] = "XX"
    del first["params"]["quota"]
    first["params"]["tape"] = True
    first["protocols"][0]["prefix"] = "/elsewhere"
    exported["distances"]["LAKE-1"]["LAKE-2"]["distance"] = 7


def test_differences_are_sentences(run: Run, cric: Cric, exported: dict[str, Any]) -> None:
    spoil(exported)
    cric.says(exported)

    found = run(code=1)

    document = found["catalogues::LAKE-1.agree"]
    assert (document["status"], document["error.side"]) == ("failed", "service")
    differences = document["consistency.differences"]
    assert "country is XX in cric and CH in rucio" in differences
    assert "only rucio has quota: high" in differences
    assert "only cric has tape: true" in differences
    assert "distance LAKE-2 is 7 in cric and 1 in rucio" in differences
    assert any(each.startswith("only cric has davs://") for each in differences)
    assert any(each.endswith("/data/rucio") and "only rucio has" in each for each in differences)
    assert document["error.message"] == "; ".join(differences)
    assert "consistency.missing_in" not in document
    assert found["catalogues::LAKE-2.agree"]["status"] == "passed"


def test_what_may_differ(run: Run, cric: Cric, exported: dict[str, Any]) -> None:
    spoil(exported)
    exported["rses"]["LAKE-1"]["protocols"][0]["prefix"] = "/data/rucio/"
    cric.says(exported)

    found = run(more=", ignore: [country, quo*, tape, distances]")

    assert found["catalogues::LAKE-1.agree"]["status"] == "passed"


def test_rses_of_one_side(run: Run, cric: Cric, exported: dict[str, Any]) -> None:
    rses = exported["rses"]
    rses["ONLY-CRIC"] = rses["LAKE-1"] | {"rse": "ONLY-CRIC"}
    rses["HIDDEN"] = rses["LAKE-1"] | {"rse": "HIDDEN"}
    exported["distances"] = {}
    cric.says(exported)

    found = run(code=1)

    document = found["catalogues::ONLY-CRIC.agree"]
    assert (document["status"], document["error.class"]) == ("failed", "missing")
    assert document["consistency.missing_in"] == ["rucio"]
    assert document["error.message"] == "rucio does not list ONLY-CRIC"
    assert document["rse"] == "ONLY-CRIC"
    assert found["catalogues::others.complete"]["status"] == "passed"
    assert "catalogues::HIDDEN.agree" not in found


def test_rses_that_the_inventory_does_not_know(cric: Cric, exported: dict[str, Any]) -> None:
    cric.lists("OWN")
    Path("dump.json").write_bytes(encoded(exported))
    text = f'cric: {{url: "{cric.url}"}}'
    tests = "tests: {c: {kind: consistency, between: [lock, 'rucio:../dump.json']}}"
    rucio.write(Path("specs/a.lake.yaml"), text, more=tests)

    assert call(["run", "-q", "-o", "out"]) == 1

    found = by_address(Path("out"))
    strange = found["c::others.complete"]
    assert strange["status"] == "failed"
    assert strange["consistency.missing_in"] == ["lock"]
    assert strange["error.message"] == "only rucio:../dump.json lists LAKE-1, LAKE-2"
    assert found["c::OWN.agree"]["consistency.missing_in"] == ["rucio:../dump.json"]
    assert "credentials::root.valid" not in found


def test_a_catalogue_that_does_not_answer(
    run: Run, cric: Cric, exported: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cric.says(exported)
    run()
    monkeypatch.setenv("RUCIO_SERVER", "http://127.0.0.1:1")

    assert call(["run", "-q", "-o", "away"]) == 1

    found = by_address(Path("away"))
    first = found.pop("catalogues::catalogues.read")
    assert (first["status"], first["error.class"]) == ("failed", "unreachable")
    assert first["error.side"] == "service"
    assert first["error.message"] == "rucio: Rucio at 127.0.0.1:1: Connection refused"
    assert found.pop("credentials::root.valid")["status"] == "passed"
    assert {document["status"] for document in found.values()} == {"blocked"}
    blockers = {document["blocked_by"] for document in found.values()}
    assert blockers == {"catalogues::catalogues.read"}


def test_a_credential_that_is_not_accepted_is_our_fault(
    run: Run, cric: Cric, exported: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cric.says(exported)
    run()
    monkeypatch.setenv("RUCIO_PASSWORD", "wrong")

    assert call(["run", "-q", "-o", "wrong", "--rse", "LAKE-1"]) == 10

    found = by_address(Path("wrong"))
    assert set(found) == {"credentials::root.valid", "catalogues::LAKE-1.agree"}
    document = found["catalogues::LAKE-1.agree"]
    assert (document["status"], document["error.side"]) == ("blocked", "tester")
    assert 'does not accept user "root"' in document["error.message"]


def test_the_matrix_follows_on(cric: Cric, exported: dict[str, Any]) -> None:
    cric.says(exported)
    path = rucio.write(
        Path("specs/a.lake.yaml"), INVENTORY % cric.url, more=TESTS % ", on: country=CH"
    )
    assert call(["inventory", "update"]) == 0

    cases = [case.address for case in expand(load([path]))]

    assert cases == [
        "credentials::root",
        "catalogues::catalogues",
        "catalogues::others",
        "catalogues::LAKE-1",
    ]
