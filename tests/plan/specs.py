"""Specs of random lakes."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import strategies as st

SCHEMES = ("davs", "root", "gsiftp", "https")
NAME = st.from_regex(r"[A-Z][A-Z0-9_-]{0,8}", fullmatch=True)
SIZES = st.lists(
    st.sampled_from(["1B", "100B", "1kB", "1500B", "1MB", "1MiB", "5GB"]),
    min_size=1,
    max_size=3,
    unique=True,
)


@st.composite
def rses(draw: st.DrawFn) -> dict[str, Any]:
    """Some RSEs with one to three endpoints each."""
    found: dict[str, Any] = {}
    for name in draw(st.lists(NAME, min_size=1, max_size=6, unique=True)):
        endpoints = draw(st.lists(st.sampled_from(SCHEMES), min_size=1, max_size=3))
        found[name] = {
            "endpoints": [
                f"{scheme}://{name.lower().replace('_', '-')}-{number}.example.org:443/x"
                for number, scheme in enumerate(endpoints)
            ],
            "tpc": draw(st.sampled_from(["none", ["pull"], ["push"], ["pull", "push"]])),
            "attributes": {"tier": draw(st.integers(1, 3))},
        }
    return found


@st.composite
def specs(draw: st.DrawFn) -> str:
    """The YAML of a whole spec; every test may be empty."""
    inventory = draw(rses())
    credentials = {"robot": {"x509": {"proxy": "/nowhere/proxy"}}}
    tests: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["functional", "tpc"]))
        test: dict[str, Any] = {
            "kind": kind,
            "sizes": draw(SIZES),
            "driver": "memory",
            "allow_empty": True,
            "on": draw(st.sampled_from(["*", "tier>1", "tier=2"])),
        }
        if draw(st.booleans()):
            test["credentials"] = draw(st.sampled_from([["robot"], ["none"], ["robot", "none"]]))
        if kind == "tpc":
            centre = draw(st.sampled_from(sorted(inventory)))
            test["mesh"] = draw(st.sampled_from(["full", "ring", {"star": centre}]))
            if draw(st.booleans()):
                test["modes"] = draw(st.sampled_from([["pull"], ["push"], ["pull", "push"]]))
        tests[f"test-{number}"] = test
    whole = {
        "lakecheck": 1,
        "inventory": {"rses": inventory},
        "credentials": credentials,
        "tests": tests,
    }
    return yaml.safe_dump(whole, sort_keys=False)
