"""Planning: pure, stable, and nothing twice."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from lakecheck import plan
from lakecheck.model import Case, Spec
from lakecheck.spec import load
from tests.plan.specs import specs

ADDRESS = re.compile(
    r"[a-z0-9-]+::[A-Z0-9_-]+(~[A-Z0-9_-]+)?"
    r"(\.(davs|root|gsiftp|https)(-\d)?)?(\.\d+[kMGT]?i?B)?(\.(pull|push))?(\.(robot|none))?"
    r"\.(upload|stat|checksum|download|delete|copy)"
)


def loaded(text: str) -> Spec:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "t.lake.yaml"
        file.write_text(text)
        return load([file])


def addresses(cases: tuple[Case, ...]) -> list[str]:
    return [check for case in cases for check in case.checks]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs())
def test_addresses_are_unique_ascii_and_of_the_promised_form(text: str) -> None:
    found = addresses(plan.expand(loaded(text)))

    assert len(found) == len(set(found))
    for address in found:
        assert address == "credentials::robot.valid" or ADDRESS.fullmatch(address), address


@settings(max_examples=20, deadline=None)
@given(specs())
def test_the_same_spec_gives_the_same_cases_in_the_same_order(text: str) -> None:
    assert addresses(plan.expand(loaded(text))) == addresses(plan.expand(loaded(text)))


@settings(max_examples=25, deadline=None)
@given(specs())
def test_links_join_two_rses_that_may_copy(text: str) -> None:
    for case in plan.expand(loaded(text)):
        if case.source is None or case.endpoint is None:
            continue
        assert case.source.rse != case.endpoint.rse
        if not case.skip:
            active = case.endpoint if case.mode == "pull" else case.source
            assert case.mode in active.tpc


@settings(max_examples=25, deadline=None)
@given(specs())
def test_each_credential_in_use_is_a_check_before_all_others(text: str) -> None:
    cases = plan.expand(loaded(text))
    used = {case.credential for case in cases if case.test.kind != "credentials" and not case.skip}

    first = [case for case in cases if case.test.kind == "credentials"]

    assert list(cases[: len(first)]) == first
    assert {case.credential for case in first} == used - {"none"}


PROGRAM = """
import sys
from lakecheck import plan
from lakecheck.spec import load
for case in plan.expand(load(sys.argv[1:])):
    print(*case.checks, sep="\\n")
"""


def test_every_process_agrees_whatever_its_hash_seed(tmp_path: Path) -> None:
    file = tmp_path / "t.lake.yaml"
    file.write_text(MANY.format(sizes="100B, 1MB"))

    told = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(file)],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }

    assert len(told) == 1
    assert len(told.pop().splitlines()) == 30 * 2 * 2 * 5 + 30 * 29 * 2 * 2


RSES = "".join(
    f"    R{n}: {{endpoints: ['davs://r{n}.example.org:443/x', 'root://r{n}.example.org:1094//x'],"
    f" attributes: {{tier: {n % 3}}}}}\n"
    for n in range(30)
)
MANY = (
    f"lakecheck: 1\ninventory:\n  rses:\n{RSES.replace('{', '{{').replace('}', '}}')}tests:\n"
    "  f: {{kind: functional, sizes: [{sizes}], driver: memory}}\n"
    "  c: {{kind: tpc, sizes: [{sizes}], driver: memory}}\n"
)


def test_a_hundred_thousand_cases_fit_into_little_memory(tmp_path: Path) -> None:
    sizes = ", ".join(f"{n}B" for n in range(1, 56))
    spec = loaded(MANY.format(sizes=sizes))
    tracemalloc.start()

    cases = plan.expand(spec)

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(cases) == 30 * 2 * 55 + 30 * 29 * 2 * 55 == 99_000
    assert most < 200e6


FORMS = """
lakecheck: 1
inventory:
  rses:
    DESY: {endpoints: ["davs://a.example.org:1/x", "davs://a.example.org:2/x"]}
    CNAF: {endpoints: ["davs://b.example.org:1/x"], tpc: none}
    LAPP: {endpoints: ["davs://c.example.org:1/x", "root://c.example.org:2//x"], tpc: [pull]}
credentials:
  robot: {x509: {proxy: /nowhere}}
tests:
  gfal: {kind: functional, on: DESY, sizes: [100B], credentials: [robot]}
  copy: {kind: tpc, sizes: [1MB], modes: [pull, push], driver: memory}
"""


def test_addresses_are_written_as_promised() -> None:
    found = addresses(plan.expand(loaded(FORMS)))

    assert found[:7] == [
        "credentials::robot.valid",
        "gfal::DESY.davs.100B.robot.upload",
        "gfal::DESY.davs.100B.robot.stat",
        "gfal::DESY.davs.100B.robot.checksum",
        "gfal::DESY.davs.100B.robot.download",
        "gfal::DESY.davs.100B.robot.delete",
        "gfal::DESY.davs-2.100B.robot.upload",
    ]
    assert found[11:] == [
        "copy::DESY~CNAF.1MB.copy",
        "copy::DESY~LAPP.davs.1MB.pull.copy",
        "copy::DESY~LAPP.davs.1MB.push.copy",
        "copy::CNAF~DESY.1MB.copy",
        "copy::CNAF~LAPP.1MB.copy",
        "copy::LAPP~DESY.davs.1MB.pull.copy",
        "copy::LAPP~DESY.davs.1MB.push.copy",
        "copy::LAPP~CNAF.1MB.copy",
    ]


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("DESY~CNAF.1MB", "DESY and CNAF share no third-party-copy protocol"),
        ("LAPP~DESY.davs.1MB.push", "LAPP does not push"),
    ],
)
def test_links_without_a_way_are_planned_and_skipped(link: str, why: str) -> None:
    cases = {case.id: case for case in plan.expand(loaded(FORMS))}

    assert cases[link].skip == why


def test_each_size_may_have_its_own_frequency() -> None:
    text = FORMS.replace("sizes: [100B]", "sizes: {100B: 1m, 1GB: 4h}")
    cases = [case for case in plan.expand(loaded(text)) if case.test.name == "gfal"]

    assert {(case.size, case.every) for case in cases} == {(100, 60.0), (10**9, 14400.0)}
