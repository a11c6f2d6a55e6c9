"""Mistakes in the experiments of a usage test: each with its place and exact sentence."""

from __future__ import annotations

import pytest

from tests.spec.conftest import Faults, Write

HEAD = """\
lakecheck: 1
inventory:
  rses:
    CERN: {endpoints: ["davs://c.cern.ch:443/x"]}
services:
  rucio: {kind: rucio, url: "http://rucio.example.org"}
tests:
  a: {kind: usage, via: rucio, experiments: {"""
WHERE = "a.lake.yaml:8:"
ONLY = "it can belong to one experiment only"

FAULTY = {  # what stands between the braces, from column 46 on
    "same scope": (
        "SKA: {scopes: [sky]}, CTA: {scopes: [sky]}",
        '83: tests.a.experiments.CTA.scopes[0]: the scope "sky" is given to SKA already',
    ),
    "same account": (
        "SKA: {accounts: [robot]}, CTA: {accounts: [ctao, robot]}",
        '95: tests.a.experiments.CTA.accounts[1]: the account "robot" is given to SKA already',
    ),
    "name that a pattern matches": (
        "SKA: {scopes: ['SKA_*']}, CTA: {scopes: [SKA_SIM]}",
        '87: tests.a.experiments.CTA.scopes[0]: "SKA_SIM" and "SKA_*" of SKA match one scope; '
        f"{ONLY}",
    ),
    "two patterns": (
        "SKA: {scopes: ['SKA_*']}, CTA: {scopes: ['*_SIM']}",
        '87: tests.a.experiments.CTA.scopes[0]: "*_SIM" and "SKA_*" of SKA match one scope, '
        f'such as "SKA_SIM"; {ONLY}',
    ),
    "other": (
        "other: {scopes: [sky]}",
        '46: tests.a.experiments.other: "other" is what belongs to no experiment; '
        "give this one another name",
    ),
    "nothing": (
        "SKA: {}",
        "51: tests.a.experiments.SKA: an experiment has scopes, accounts, or both",
    ),
    "unknown key": (
        "SKA: {scope: [sky]}",
        '52: tests.a.experiments.SKA: unknown key "scope"; did you mean "scopes"?',
    ),
    "name that is no part of an address": (
        "S.A: {scopes: [sky]}",
        "46: tests.a.experiments: expected an experiment's name of letters, digits, _ and -, "
        'found "S.A"',
    ),
    "pattern of another sort": (
        "SKA: {scopes: ['SKA?']}",
        "61: tests.a.experiments.SKA.scopes[0]: expected a name, in which * is anything, "
        'found "SKA?"',
    ),
}


@pytest.mark.parametrize(("text", "message"), FAULTY.values(), ids=FAULTY)
def test_experiments(text: str, message: str, faults: Faults) -> None:
    assert faults(f"{HEAD}{text}}}}}\n") == [f"{WHERE}{message}"]


def test_every_pair_is_told(faults: Faults) -> None:
    written = "A: {scopes: ['*']}, B: {scopes: [b]}, C: {scopes: [b, c]}"
    assert len(faults(f"{HEAD}{written}}}}}\n")) == 4


def test_storages_may_speak_what_no_driver_does(spec: Write) -> None:
    text = HEAD.replace("davs://c.cern.ch:443/x", "srm://c.cern.ch:8443/x")
    loaded = spec(f"{text}SKA: {{scopes: [sky]}}}}}}\n")
    assert loaded.tests["a"].options.experiments["SKA"].scopes == ("sky",)
