from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lakecheck import registry
from lakecheck.spec import drivers
from tests.spec.conftest import Faults, Write

LAKE = """\
lakecheck: 1
inventory:
  rses:
    A: {endpoints: ["s3://h:1/b", "davs://h:2"]}
tests:
  t: {kind: functional}
"""


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the drivers that are imported; one of them is broken, one speaks anything."""
    found: list[str] = []
    speak = {"gfal2": ("davs", "root"), "swift": ("swift",), "memory": ("*",)}
    load = registry.load

    def fake(group: str, name: str) -> Any:
        if group != "drivers":
            return load(group, name)
        found.append(name)
        if name == "broken":
            raise ModuleNotFoundError(name)
        return SimpleNamespace(schemes=speak[name])

    names = registry.names
    monkeypatch.setattr(registry, "load", fake)
    monkeypatch.setattr(
        registry,
        "names",
        lambda group: (
            ("broken", "gfal2", "memory", "swift") if group == "drivers" else names(group)
        ),
    )
    return found


def test_no_more_drivers_are_imported_than_needed(loaded: list[str]) -> None:
    assert drivers.unspoken(["davs", "root"]) == frozenset()
    assert loaded == ["gfal2"]


def test_a_driver_that_cannot_be_imported_speaks_nothing(loaded: list[str]) -> None:
    assert drivers.unspoken(["s3", "swift"]) == {"s3"}
    assert loaded == ["gfal2", "broken", "memory", "swift"]
    assert drivers.spoken() == ("davs", "root", "swift")


@pytest.mark.usefixtures("loaded")
def test_an_endpoint_that_no_driver_speaks(faults: Faults) -> None:
    assert faults(LAKE) == [
        'a.lake.yaml:4:21: inventory.rses.A.endpoints[0]: No driver speaks "s3". '
        "Installed: davs, root, swift."
    ]


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize(
    "text",
    [
        LAKE.replace("kind: functional", "kind: functional, driver: memory"),
        LAKE.replace('"davs://h:2"]', '"davs://h:2"], driver: {name: memory}'),
    ],
)
def test_a_driver_that_speaks_anything(spec: Write, text: str) -> None:
    assert spec(text).inventory.rses["A"].endpoints[0].scheme == "s3"


MIXED = """\
lakecheck: 1
inventory:
  rses:
    A: {endpoints: ["root://h:1/b", "davs://h:2", "gsiftp://h:3"]}
tests:
"""


def test_a_driver_that_does_not_speak_what_a_test_selects(faults: Faults) -> None:
    text = MIXED + "  t: {kind: functional, driver: xrootd, protocols: [davs, root]}\n"

    assert faults(text) == [
        "a.lake.yaml:6:3: tests.t: its driver xrootd does not speak davs; choose another driver, "
        "such as native, or limit it: protocols: [root, roots, xroot, xroots]"
    ]


@pytest.mark.parametrize(
    "keys", ["driver: xrootd, protocols: [root]", "driver: native", "driver: memory", "on: A"]
)
def test_drivers_that_fit(spec: Write, keys: str) -> None:
    assert spec(f"{MIXED}  t: {{kind: functional, {keys}}}\n").tests["t"]
