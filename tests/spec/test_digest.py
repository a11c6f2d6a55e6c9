from __future__ import annotations

import pytest

from tests.spec.conftest import Write
from tests.spec.test_loader import WHOLE

VARIABLES = {"PROXIES": "/p"}
SAME = {
    "comments": WHOLE.replace("tests:", "# a comment\n\ntests:  # another"),
    "quotes": WHOLE.replace("kind: functional", "'kind': \"functional\""),
    "units": WHOLE.replace("every: 1m", "every: 60s").replace("1GB: 4h", "1000MB: 240m"),
    "order of keys": WHOLE.replace(
        "    every: 1m\n    sizes: [100B, 1MiB]\n", "    sizes: [100B, 1MiB]\n    every: 1m\n"
    ),
    "what is the default anyway": WHOLE.replace(
        "kind: functional", "kind: functional\n    on: '*'"
    ),
    "blanks in conditions": WHOLE.replace("duration < 10m", "duration  <  10m"),
}
OTHER = {
    "size": WHOLE.replace("1MiB", "1MB"),
    "endpoint": WHOLE.replace("eos.cern.ch:8443", "eos.cern.ch:8444"),
    "order of endpoints": WHOLE.replace(
        '["davs://[2001:db8::7]:443", "davs://b.no:1/x%20y"]',
        '["davs://b.no:1/x%20y", "davs://[2001:db8::7]:443"]',
    ),
    "attribute": WHOLE.replace("tier: 0", "tier: 1"),
    "type of an attribute": WHOLE.replace("tier: 0", "tier: '0'"),
    "CA": WHOLE.replace("ca: certificates", "ca: others"),
    "condition": WHOLE.replace("duration < 10m", "duration < 11m"),
    "name of a test": WHOLE.replace("  gfal:", "  gfal2:"),
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME)
def test_the_same_meaning_has_the_same_digest(spec: Write, text: str) -> None:
    assert text != WHOLE
    one, other = spec(WHOLE, **VARIABLES), spec(text, **VARIABLES)

    assert one.digest == other.digest
    assert one.inventory.digest == other.inventory.digest


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_another_meaning_has_another_digest(spec: Write, text: str) -> None:
    assert text != WHOLE

    assert spec(WHOLE, **VARIABLES).digest != spec(text, **VARIABLES).digest


def test_the_inventory_has_its_own(spec: Write) -> None:
    tests = spec(WHOLE.replace("1MiB", "1MB"), **VARIABLES)
    rses = spec(WHOLE.replace("tier: 0", "tier: 1"), **VARIABLES)
    whole = spec(WHOLE, **VARIABLES)

    assert tests.inventory.digest == whole.inventory.digest
    assert rses.inventory.digest != whole.inventory.digest


def test_the_environment_does_not_count(spec: Write) -> None:
    assert spec(WHOLE, PROXIES="/a").digest == spec(WHOLE, PROXIES="/b").digest
