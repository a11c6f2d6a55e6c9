"""Replication tests: what they lay out, what they need, what is wrong with a spec."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakecheck.errors import SpecError
from lakecheck.model import NOBODY, Case
from lakecheck.plan import expand, totals
from lakecheck.probes import replication
from lakecheck.probes.replication_repeat import repeat
from lakecheck.spec import load
from tests.spec.conftest import write

SPEC = """\
lakecheck: 1
inventory:
  rses:
    A: {endpoints: ["davs://a:1/x"], attributes: {QOS: FAST}}
    B: {endpoints: ["davs://b:1/x", "root://b:2//x"], attributes: {QOS: CHEAP}}
    C: {endpoints: ["davs://c:1/x"], attributes: {QOS: CHEAP}}
credentials:
  robot: {userpass: {username: robot, password: secret}}
services:
  rucio: {kind: rucio, url: "http://rucio.example.org", credential: robot}
tests:
  rep: {kind: replication, via: rucio%s}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def cases(more: str = "") -> tuple[Case, ...]:
    write(Path(), {"a.lake.yaml": SPEC % (f", {more}" if more else "")})
    found = expand(load(["a.lake.yaml"], {}))
    return tuple(case for case in found if case.test.kind == "replication")


def faults(more: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        cases(more)
    return str(caught.value).splitlines()


def test_each_uploads_once_and_has_a_rule_to_every_other() -> None:
    found = cases("sizes: [1kB]")

    assert [case.address for case in found] == [
        f"rep::{place}.1kB" for place in ("A", "A~B", "A~C", "B", "B~A", "B~C", "C", "C~A", "C~B")
    ]
    assert found[0].checks == ("rep::A.1kB.upload", "rep::A.1kB.register")
    assert [check.rpartition(".")[2] for check in found[1].checks] == [
        "rule",
        "replica",
        "download",
        "delete",
    ]


def test_a_rule_needs_the_upload_at_its_source() -> None:
    by_place = {case.place: case for case in cases("sizes: [1kB]")}

    assert by_place["A"].needs == ()
    for place in ("B~A", "B~C"):
        assert by_place[place].needs == (by_place["B"],)
        assert by_place[place].source is not None
        assert by_place[place].source.rse == "B"


def test_the_service_is_asked_with_its_credential_and_the_storages_with_none() -> None:
    for case in cases():
        assert (case.asks, case.credential) == ("robot", "none")
        assert case.endpoint is not None
        # Which way in is used is Rucio's business.
        assert (case.endpoint.url, case.endpoint.protocol) == ("", "")


def test_each_size_has_its_own_frequency() -> None:
    found = cases("sizes: {1MB: 15m, 5GB: 8h}, on: A|B")

    assert {(case.size, case.every) for case in found} == {(10**6, 900.0), (5 * 10**9, 28800.0)}
    assert [case.id for case in found][:4] == ["A.1MB", "A~B.1MB", "B.1MB", "B~A.1MB"]
    big = [case for case in found if case.size == 5 * 10**9]
    assert all(need in big for case in big for need in case.needs)


@pytest.mark.parametrize(
    ("mesh", "places"),
    [
        ("ring", ["A", "A~B", "B", "B~C", "C", "C~A"]),
        ("{star: B}", ["A", "A~B", "B", "B~A", "B~C", "C", "C~B"]),
    ],
)
def test_other_meshes(mesh: str, places: list[str]) -> None:
    assert [case.place for case in cases(f"mesh: {mesh}")] == places


def test_one_rule_for_several_copies() -> None:
    found = cases('rule: {to: "QOS=CHEAP", copies: 2}')

    assert [case.place for case in found] == ["A", "A~rule", "B", "B~rule", "C", "C~rule"]
    assert [case.source for case in found] == [None] * 6
    assert found[1].endpoint is not None
    assert found[1].endpoint.rse == "A"  # where its document belongs: who will hold it is unknown


def test_a_transition_starts_in_its_first_class_only() -> None:
    found = cases('transition: {from: "QOS=FAST", to: "QOS=CHEAP"}')

    assert [case.place for case in found] == ["A", "A~transition"]


def test_who_loses_a_copy_must_repair_it() -> None:
    upload, link, *_ = cases("lose: true, on: A|B")

    assert upload.steps == ("upload", "register")
    assert link.steps == ("rule", "replica", "download", "repaired", "delete")
    # It is removed as the storage's own user, through an endpoint of the destination.
    assert [end.url for _, end in link.ways] == ["davs://b:1/x"]


def test_traffic_of_uploads_links_and_rules() -> None:
    upload, link, *_ = cases("sizes: [1kB], files: 3")
    told = replication.traffic(upload)
    assert (told.ingress, told.egress, told.transfers) == ({"A": 3000}, {}, 3)
    told = replication.traffic(link)
    assert (told.ingress, told.egress) == ({"B": 3000}, {"A": 3000, "B": 3000})
    assert told.transfers == 6

    rule = cases('sizes: [1kB], rule: {to: "QOS=CHEAP"}')[1]
    assert replication.traffic(rule).egress == {"A": 1000}
    assert replication.traffic(rule).ingress == {}


def test_the_plan_adds_it_up() -> None:
    plan = totals(cases("sizes: [1kB], on: A|B, files: 2"))

    (row,) = plan.tests
    assert (row.cases, row.checks) == (4, 12)


def test_rules_have_an_hour() -> None:
    assert {case.test.timeout for case in cases()} == {3600.0}
    assert {case.test.timeout for case in cases("timeout: 10m")} == {600.0}


PLACE = "a.lake.yaml:12:8: tests.rep"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            "rule: {to: B}, transition: {from: A, to: B}",
            "rule and transition are two tests; write one of them",
        ),
        ("lose: true, rule: {to: B}", "lose is for links; leave out rule and transition"),
        ("scope: ''", "scope: it is empty; write the one that lakecheck may use"),
        ("files: 0", "files: at least one"),
        ("rule: {to: B, copies: 0}", "rule.copies: at least one"),
    ],
)
def test_what_contradicts_itself_is_told(more: str, told: str) -> None:
    assert faults(more) == [f"{PLACE}: {told}"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("fils: 3", 'tests.rep: unknown key "fils"; did you mean "files"?'),
        (
            "protocol: davss",
            'tests.rep.protocol: there is no protocol "davss"; did you mean "davs"?',
        ),
        ("mesh: {star: D}", 'tests.rep.mesh.star: there is no RSE "D"; there are A, B, C'),
        (
            "transition: {from: A}",
            'tests.rep.transition: the key "to" is missing; expected a text',
        ),
        ("rule: {copies: 2}", 'tests.rep.rule: the key "to" is missing; expected a text'),
        ("lifetime: 5", "tests.rep.lifetime: 5 has no unit; write a duration, such as 5s"),
        (
            "lifetime: 0s",
            'tests.rep.lifetime: "0s" is no time at all; write more, such as 30s',
        ),
        (
            "transition: {from: NOWHERE, to: B}",
            "tests.rep: it selects nothing: on: * gives A, B, C, but no case comes of them; "
            "write allow_empty: true if it may",
        ),
    ],
)
def test_mistakes(more: str, told: str) -> None:
    (said,) = faults(more)
    assert said.partition(" ")[2] == told


def test_via_must_be_a_rucio() -> None:
    text = (SPEC % "").replace("via: rucio", "via: ruccio")
    write(Path(), {"a.lake.yaml": text})
    with pytest.raises(SpecError) as caught:
        load(["a.lake.yaml"], {})
    assert str(caught.value) == (
        'a.lake.yaml:12:33: tests.rep.via: there is no service "ruccio"; did you mean "rucio"?'
    )


def test_a_repair_is_repeated_by_hand() -> None:
    link = cases("lose: true, on: A|B, sizes: [1kB]")[1]
    did = "testing:lakecheck-by-hand-A-1kB"

    url = "http://rucio.example.org"
    rucio = f"rucio --hostname {url} --auth-host {url}"
    assert repeat(link, "repaired", NOBODY)[-5:] == [
        f"{rucio} replica list file --pfns --rses B {did}",
        "gfal-rm PFN",
        f"{rucio} replica state update bad --reason 'removed by hand' PFN",
        f"{rucio} replica list file --all-states {did}",
        f"{rucio} rule remove RULE",
    ]
