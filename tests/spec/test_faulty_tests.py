"""Mistakes in `tests:`: each with its exact sentence."""

from __future__ import annotations

import pytest

from lakecheck.spec.kinds import declarable
from tests.spec.conftest import Faults

KINDS = ", ".join(declarable())
HEAD = """\
lakecheck: 1
inventory:
  rses:
    CERN: {endpoints: ["davs://c.cern.ch:443/x"]}
    DESY: {endpoints: ["root://d.desy.de:1094//y"], attributes: {tier: 1, tape: true}}
credentials: {robot: {x509: {proxy: /p}}}
tests:
"""
TERM = 'an RSE name, attribute=value, "*" or "("'
NO_EXPRESSION = "is not an RSE expression: "
NO_CONDITION = "is not a condition: "
EMPTY = "it selects nothing: "
ALLOW = "; write allow_empty: true if it may"

FUNCTIONAL = {  # what follows `a: {kind: functional, `, from column 25 on
    "unknown key": (
        "protcols: [davs]",
        '25: a: unknown key "protcols"; did you mean "protocols"?',
    ),
    "key of another kind": (
        "mesh: full",
        '25: a: unknown key "mesh"; known here: kind, on, every, timeout, driver, expect, '
        "allow_empty, protocols, sizes, credentials",
    ),
    "no list": (
        "protocols: davs",
        '36: a.protocols: expected a list of protocols, found "davs"; write [davs]',
    ),
    "unknown protocol": (
        "protocols: [dvas]",
        '37: a.protocols[0]: there is no protocol "dvas"; did you mean "davs"?',
    ),
    "no unit": (
        "sizes: [100], timeout: 60",
        "33: a.sizes[0]: 100 has no unit; write a size, such as 100B",
        "48: a.timeout: 60 has no unit; write a duration, such as 60s",
    ),
    "bad unit": (
        "sizes: [1MBB, 1mb], every: 1min",
        '33: a.sizes[0]: "1MBB" is not a size; write a number and a unit, such as 1MB',
        '39: a.sizes[1]: "1mb" is not a size; write a number and a unit, such as 1MB',
        '52: a.every: "1min" is not a duration; write a number and a unit, such as 30s',
    ),
    "no unit in a map": (
        "sizes: {1MB: 15, 10: 3m}",
        "38: a.sizes.1MB: 15 has no unit; write a duration, such as 15s",
        '42: a.sizes: "10" is not a size; write a number and a unit, such as 1MB',
    ),
    "sizes in no list": (
        "sizes: 1MB",
        "32: a.sizes: expected a list of sizes, or a map of sizes to durations, "
        'found "1MB"; write [1MB]',
    ),
    "size twice": (
        "sizes: [1MB, 1000kB]",
        '38: a.sizes[1]: "1000kB" stands in this list twice',
    ),
    "size twice in a map": (
        "sizes: {1MB: 1h, 1000kB: 1h}",
        '42: a.sizes: "1000kB" stands in this map twice',
    ),
    "no time": (
        "timeout: 0s, every: [1s]",
        '34: a.timeout: "0s" is no time at all; write more, such as 30s',
        "45: a.every: expected a duration such as 30s, found a list",
    ),
    "truth": (
        "allow_empty: yes",
        '38: a.allow_empty: expected true or false, found "yes"',
    ),
    "number as expression": (
        "on: 5",
        "29: a.on: expected an RSE expression, such as '*', DESY-DCACHE or country=FR&tier=1, "
        "found 5; put it in quotes if it is meant as text",
    ),
    "unknown RSE": ("on: CERN|DSY", '29: a.on: there is no RSE "DSY"; did you mean "DESY"?'),
    "unknown RSE, nothing near": (
        "on: SURFSARA",
        '29: a.on: there is no RSE "SURFSARA"; there are CERN, DESY, tape',
    ),
    "operator twice": (
        "on: CERN||DESY",
        f'29: a.on: "CERN||DESY" {NO_EXPRESSION}expected {TERM} in column 6, found "|"',
    ),
    "parenthesis": (
        "on: (CERN",
        f'29: a.on: "(CERN" {NO_EXPRESSION}the "(" in column 1 is not closed',
    ),
    "variable": (
        "on: '${HOME}'",
        '29: a.on: "${HOME}": environment variables are taken only in values of credentials, '
        "services, publish and actions",
    ),
    "unknown credential": (
        "credentials: [robt, none]",
        '39: a.credentials[0]: there is no credential "robt"; did you mean "robot"?',
    ),
    "unknown driver": (
        "driver: gfal",
        '33: a.driver: there is no driver "gfal"; did you mean "gfal2"? Installed: '
        "gfal2, memory, native, webdav, xrootd",
    ),
    "driver as list": (
        "driver: [gfal2]",
        "33: a.driver: expected a driver's name, or a map of name and options, found a list",
    ),
    "misspelt attribute": (
        "on: 'teir=1'",
        f'3: a: {EMPTY}no RSE has the attribute "teir"; did you mean "tier"?{ALLOW}',
    ),
    "no RSE": (
        "on: CERN&DESY",
        f"3: a: {EMPTY}on: CERN&DESY matches none of the 2 RSEs{ALLOW}",
    ),
    "no protocol": (
        "on: CERN, protocols: [root]",
        f"3: a: {EMPTY}on: CERN gives CERN, of which none speaks root, only davs{ALLOW}",
    ),
    "no size": (
        "sizes: []",
        f"3: a: {EMPTY}on: * gives CERN, DESY, but its sizes are empty{ALLOW}",
    ),
    "condition without unit": (
        "expect: [duration < 10]",
        f'34: a.expect[0]: "duration < 10" {NO_CONDITION}duration is a duration, '
        '"10" in column 12 is not; write duration < 10s',
    ),
    "condition on an unknown field": (
        "expect: [upload.duration < 3s, duraton < 10m]",
        f'56: a.expect[1]: "duraton < 10m" {NO_CONDITION}documents have no field "duraton"; '
        'did you mean "duration"?',
    ),
    "condition on an unknown check": (
        "expect: [uplod.duration < 3s, copy.duration < 3s]",
        f'34: a.expect[0]: "uplod.duration < 3s" {NO_CONDITION}functional has no check "uplod"; '
        'did you mean "upload"?',
        f'55: a.expect[1]: "copy.duration < 3s" {NO_CONDITION}functional has no check "copy"; '
        "it has upload, stat, checksum, download, delete",
    ),
    "condition on another kind's field": (
        "expect: [tpc.verified == size]",
        f'34: a.expect[0]: "tpc.verified == size" {NO_CONDITION}'
        'documents have no field "tpc.verified"',
    ),
    "condition that is none": (
        "expect: [duration, 5, duration < 1s]",
        f'34: a.expect[0]: "duration" {NO_CONDITION}'
        "expected a comparison (< <= > >= == !=) in column 9, found its end",
        "44: a.expect[1]: expected a condition, such as duration < 10m, found 5; "
        "put it in quotes if it is meant as text",
    ),
    "faults side by side": (
        "sizes: [100], expect: [duration], zzz: 1",
        "33: a.sizes[0]: 100 has no unit; write a size, such as 100B",
        f'48: a.expect[0]: "duration" {NO_CONDITION}'
        "expected a comparison (< <= > >= == !=) in column 9, found its end",
        '59: a: unknown key "zzz"; known here: kind, on, every, timeout, driver, expect, '
        "allow_empty, protocols, sizes, credentials",
    ),
}


def with_places(messages: list[str]) -> list[str]:
    split = [message.split(": ", 1) for message in messages]
    return [f"a.lake.yaml:8:{column}: tests.{rest}" for column, rest in split]


@pytest.mark.parametrize(
    ("text", "messages"), [(t, m) for t, *m in FUNCTIONAL.values()], ids=FUNCTIONAL
)
def test_functional(text: str, messages: list[str], faults: Faults) -> None:
    assert faults(f"{HEAD}  a: {{kind: functional, {text}}}\n") == with_places(messages)


TESTS = {  # what follows `a: `
    "list": ("[1]", "6: a: expected a map of kind and its keys, found a list"),
    "no kind": (
        "{sizes: [1MB]}",
        f'6: a: the key "kind" is missing; expected one of {KINDS}',
    ),
    "number": (
        "{kind: 5}",
        f"13: a.kind: expected one of {KINDS}, found 5",
    ),
    "unknown kind": (
        "{kind: functionl}",
        f'13: a.kind: there is no kind "functionl"; did you mean "functional"? Installed: {KINDS}',
    ),
    "kind to come": (
        "{kind: network}",
        f'13: a.kind: there is no kind "network". Installed: {KINDS}',
    ),
    "kind that is not declared": (
        "{kind: python}",
        f'13: a.kind: there is no kind "python". Installed: {KINDS}',
    ),
    "mesh": (
        "{kind: tpc, mesh: star}",
        '24: a.mesh: expected one of full, ring, or a map of star to an RSE, found "star"',
    ),
    "misspelt mesh": (
        "{kind: tpc, mesh: fulll}",
        "24: a.mesh: expected one of full, ring, or a map of star to an RSE, "
        'found "fulll"; did you mean "full"?',
    ),
    "mesh of nothing": (
        "{kind: tpc, mesh: {}}",
        "24: a.mesh: expected a map of star to an RSE, found a map without keys",
    ),
    "star of nobody": (
        "{kind: tpc, mesh: {star: CRN}}",
        '31: a.mesh.star: there is no RSE "CRN"; did you mean "CERN"?',
    ),
    "mode": (
        "{kind: tpc, modes: [pul]}",
        '26: a.modes[0]: expected one of pull, push, found "pul"; did you mean "pull"?',
    ),
    "via": (
        "{kind: tpc, via: fts}",
        '23: a.via: there is no service "fts"; declare it in services:, or write direct',
    ),
    "keys for FTS alone": (
        "{kind: tpc, files: 4}",
        "6: a: files is for FTS; write via: and the name of a service",
    ),
    "checksums for FTS alone": (
        "{kind: tpc, checksum: source}",
        "6: a: checksum: source is for FTS; write both or none",
    ),
    "star outside of the selection": (
        "{kind: tpc, mesh: {star: CERN}, on: DESY}",
        f"3: a: {EMPTY}on: DESY gives DESY, and a copy needs another storage to copy to{ALLOW}",
    ),
}


@pytest.mark.parametrize(("text", "messages"), [(t, m) for t, *m in TESTS.values()], ids=TESTS)
def test_of_other_kinds(text: str, messages: list[str], faults: Faults) -> None:
    assert faults(f"{HEAD}  a: {text}\n") == with_places(messages)


def test_an_empty_lake_is_named(faults: Faults) -> None:
    assert faults("lakecheck: 1\ntests: {a: {kind: tpc}}") == [
        f"a.lake.yaml:2:9: tests.a: {EMPTY}the inventory has no RSEs{ALLOW}"
    ]
