"""What is to be done at a Rucio, without one."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from lakecheck.inventory import Catalogue, cric
from lakecheck.inventory.registration import Registration, Registry, of_catalogue, of_json
from lakecheck.inventory.sync_plan import Step, plan
from lakecheck.spec.locks import LockedRSE
from tests.inventory.samples import BOTH, NONE, doma, encoded, protocol, rse

EMPTY = Registry({}, {})


def registry(*rses: dict[str, Any], **distances: dict[str, int]) -> Registry:
    return of_json({"rses": {each["name"]: each for each in rses}, "distances": distances})


def lines(steps: tuple[Step, ...]) -> list[str]:
    return [
        " ".join(str(each) for each in (step.sign, step.rse, step.what, step.before, step.after))
        for step in steps
    ]


def test_a_first_registration_has_everything_in_order() -> None:
    wanted = registry(
        rse("A", protocol("davs", "a.org", 443, "//x", BOTH), params={"tier": 1}),
        rse("B", qos_class="CHEAP"),
        A={"B": 3},
    )

    found = plan(wanted, EMPTY, prune=False)

    assert lines(found.steps) == [
        "+ A rse None None",
        "+ A protocol None davs://a.org:443//x",
        "+ A attribute fts None https://fts.example.org:8446",
        "+ A attribute tier None 1",
        "+ B rse None None",
        "+ B attribute fts None https://fts.example.org:8446",
        "+ A distance B None 3",
    ]
    created, added = found.steps[0].calls[0], found.steps[1].calls[0]
    assert created.named["country_name"] == "DE"
    assert created.named["availability_write"] is True
    (_, parameters) = added.arguments
    assert parameters["prefix"] == "//x"
    assert parameters["domains"]["wan"] == {
        "read": 1,
        "third_party_copy_read": 1,
        "third_party_copy_write": 1,
    }
    # A creation takes no qos_class, and what is told twice would never be done.
    assert [call.method for call in found.steps[4].calls] == ["add_rse", "update_rse"]


def test_every_sort_of_change() -> None:
    before = rse(
        "A",
        protocol("davs", "a.org", 443, "/old", BOTH),
        protocol("root", "a.org", 1094, "/x", BOTH),
        params={"tier": 1, "own": True},
    )
    after = rse(
        "A",
        protocol("davs", "a.org", 443, "/new", NONE),
        params={"tier": 2},
        country_name="FR",
        availability_write=False,
    )
    there = registry(before, rse("B"), rse("C"), A={"B": 1, "C": 1}, B={"A": 7})
    wanted = registry(after, rse("B"), A={"B": 2})

    changes = [
        "~ A setting country_name DE FR",
        "~ A setting availability_write true false",
        "~ A protocol davs://a.org:443 prefix=/old, wan.third_party_copy_read=1, "
        "wan.third_party_copy_write=1 prefix=/new, wan.third_party_copy_read=0, "
        "wan.third_party_copy_write=0",
        "~ A attribute tier 1 2",
        "~ A distance B 1 2",
    ]
    kept = plan(wanted, there, prune=False)
    assert lines(kept.steps) == changes
    pruned = plan(wanted, there, prune=True)
    assert lines(pruned.steps) == [
        *changes,
        "- B distance A 7 None",
        "- A attribute own true None",
        "- A protocol root://a.org:1094/x None",
        "- C rse None None",
    ]
    assert (kept.kept, pruned.kept) == (4, 0)


def test_a_slash_at_a_prefixs_end_is_no_difference() -> None:
    there = registry(rse("A", protocol("davs", "a.org", 443, "/data/rucio/", BOTH)))
    wanted = registry(rse("A", protocol("davs", "a.org", 443, "/data/rucio", BOTH)))

    assert not plan(wanted, there, prune=False).steps
    assert not plan(there, wanted, prune=True).steps


def test_what_is_not_told_stays() -> None:
    there = registry(rse("A", {**protocol("davs", "a.org", 443, "/x", BOTH), "impl": "own.impl"}))
    silent = Registry({"A": structs.replace(there.rses["A"], settings={}, attributes={})})
    told = {
        key: structs.replace(each, impl=None, domains=None)
        for key, each in there.rses["A"].protocols.items()
    }

    assert not plan(silent, there, prune=False).steps
    assert not plan(Registry({"A": Registration({}, told, {})}), there, prune=False).steps


def test_an_srm_without_its_path_is_told() -> None:
    whole = protocol("srm", "b.org", 8444, "/srm") | {"ext_attrs": {"web_service_path": "/srm?x="}}
    wanted = registry(rse("A", protocol("srm", "a.org", 8444, "/srm"), whole))

    found = plan(wanted, EMPTY, prune=False)

    assert found.ignored == (
        "A srm://a.org:8444/srm: Rucio takes no SRM without its web_service_path",
    )
    assert [step.after for step in found.steps if step.what == "protocol"] == [
        "srm://b.org:8444/srm"
    ]


def test_a_lock_can_be_registered_too() -> None:
    locked = LockedRSE(("davs://a.org:443//x",), {"country": "IT", "tier": 1}, tpc=("pull",))

    found = plan(of_catalogue(Catalogue({"A": locked})), EMPTY, prune=False)

    assert found.steps[0].calls[0].named == {"country_name": "IT"}
    (_, parameters) = found.steps[1].calls[0].arguments
    assert parameters["domains"]["wan"]["third_party_copy_read"] is None
    assert parameters["domains"]["wan"]["third_party_copy_write"] == 1
    assert parameters["impl"] == "rucio.rse.protocols.gfal.Default"


def test_cric_registers_what_cannot_be_tested_too() -> None:
    found = of_json(doma())

    assert set(found.rses) == set(doma()["rses"])
    assert set(cric.parse(encoded(doma())).rses) < set(found.rses)
    assert len(found.rses["ONLY-MOCK"].protocols) == 2


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 70000) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["scheme", "hostname", "port", "prefix", "domains", "wan", "lan", "read",
                         "third_party_copy", "params", "attributes", "ext_attrs", "protocols"]),
        inner, max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@given(ANYTHING, ANYTHING)
def test_whatever_is_told_can_be_planned_and_is_then_done(rse: Any, row: Any) -> None:
    found = json.loads(json.dumps({"rses": {"A": rse, "B": {}}, "distances": {"A": {"B": row}}}))
    wanted = of_json(found)

    plan(wanted, EMPTY, prune=True)
    assert not plan(wanted, wanted, prune=True).steps
