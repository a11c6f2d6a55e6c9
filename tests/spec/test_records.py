"""A kind's options struct is all that the language needs to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from lakecheck import registry
from lakecheck.model import Case, Field, Inventory, Kind, Step, Test, Traffic
from lakecheck.spec import schema
from lakecheck.spec.names import RSEName
from lakecheck.spec.records import shape_of
from lakecheck.units import Duration, Rate, Size
from tests.spec.conftest import Faults, Write


class Window(Struct, frozen=True):
    begin: Duration
    width: Duration = Duration(60)


class Options(Struct, frozen=True, rename={"until": "for"}):
    least: Annotated[Rate, Meta(description="Throughput that is expected at least.")]
    window: Window | None = None
    home: RSEName = ""
    sizes: tuple[Size, ...] | dict[Size, Duration] = ()
    level: Literal["low", "high"] | Size = "low"
    streams: int = 1
    share: float = 0.5
    free: Any = None
    until: Duration = Duration(0)

    def __post_init__(self) -> None:
        if self.window and self.until > self.window.width:
            raise ValueError('"for" is longer than the window')


def cases(test: Test, inventory: Inventory) -> Iterator[Case]:
    yield Case(test=test, id="A", place="A", steps=("look",))


KIND = Kind(
    name="glance",
    title="a look at an RSE",
    options=Options,
    steps=(Step("look"),),
    cases=cases,
    traffic=lambda case: Traffic({}, {}),
    probe="",
    fields=(Field("depth", "long", "how deep it looked"),),
)
HEAD = "lakecheck: 1\ninventory: {rses: {A: {endpoints: ['davs://h:1']}}}\ntests:\n"


@pytest.fixture(autouse=True)
def _glance(monkeypatch: pytest.MonkeyPatch) -> None:
    load, names = registry.load, registry.names
    monkeypatch.setattr(
        registry,
        "load",
        lambda group, name: KIND if (group, name) == ("kinds", "glance") else load(group, name),
    )
    monkeypatch.setattr(
        registry,
        "names",
        lambda group: (*names(group), "glance") if group == "kinds" else names(group),
    )


def test_options_are_decoded_to_their_struct(spec: Write) -> None:
    text = """\
  a:
    kind: glance
    least: 25MB/s
    window: {begin: 1m}
    home: A
    sizes: {1kB: 1h}
    level: 3MB
    streams: 4
    share: 1
    free: [1, {a: b}]
    for: 30s
    expect: [look.glance.depth > 3 and duration < 3s]
"""
    test = spec(HEAD + text).tests["a"]

    assert test.options == Options(
        least=Rate(25e6),
        window=Window(Duration(60)),
        home="A",
        sizes={Size(1000): Duration(3600)},
        level=Size(3_000_000),
        streams=4,
        share=1,
        free=[1, {"a": "b"}],
        until=Duration(30),
    )
    assert test.expect[0].step == "look"


def test_faults_name_the_options(faults: Faults) -> None:
    text = (
        "  a: {kind: glance, window: {width: 1}, home: B, level: middle, streams: 1.5, share: x, "
        "free: 1, fre: 2}\n"
    )

    assert faults(HEAD + text) == [
        'a.lake.yaml:4:6: tests.a: the key "least" is missing; expected a rate',
        'a.lake.yaml:4:29: tests.a.window: the key "begin" is missing; expected a duration',
        "a.lake.yaml:4:37: tests.a.window.width: 1 has no unit; write a duration, such as 1s",
        'a.lake.yaml:4:47: tests.a.home: there is no RSE "B"; there are A',
        'a.lake.yaml:4:57: tests.a.level: "middle" is not a size; '
        "write a number and a unit, such as 1MB",
        "a.lake.yaml:4:74: tests.a.streams: expected a whole number, found 1.5",
        'a.lake.yaml:4:86: tests.a.share: expected a number, found "x"',
        'a.lake.yaml:4:98: tests.a: unknown key "fre"; did you mean "free"?',
    ]


def test_what_a_kind_itself_objects_to_is_a_fault(faults: Faults) -> None:
    text = "  a: {kind: glance, least: 1B/s, for: 2m, window: {begin: 1s}}\n"

    assert faults(HEAD + text) == ['a.lake.yaml:4:6: tests.a: "for" is longer than the window']


def test_the_schema_knows_the_kind() -> None:
    glance = schema()["$defs"]["test-glance"]

    assert glance["properties"]["least"]["description"] == "Throughput that is expected at least."
    assert glance["required"] == ["least"]
    assert glance["properties"]["kind"] == {"const": "glance"}


def test_a_type_that_cannot_stand_in_a_spec() -> None:
    with pytest.raises(TypeError, match="cannot stand in a spec"):
        shape_of(bytes)
