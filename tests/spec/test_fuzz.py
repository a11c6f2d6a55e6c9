"""Whatever is in a file, loading it gives a Spec or sentences, and never anything else."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakecheck.errors import SpecError
from lakecheck.model import Spec
from lakecheck.spec import load, schema
from tests.spec.test_loader import WHOLE

VALIDATOR = jsonschema.Draft202012Validator(schema())

PIECES = [
    "\n", " ", "\t", "  ", ":", "-", ",", "[", "]", "{", "}", "&a ", "*a", "*", "!!int ", "'", '"',
    "#", "|", ">", "%", "---\n", "...", "? ", "<<: ", "${X}", "null", "0", "-1", "1e999", ".nan",
    "\0", "\x85", "\u202e", "\ud800", "\U0001f40d", "tests:", "include: a.lake.yaml\n", "on: ",
]  # fmt: skip


def outcome(content: bytes, variables: dict[str, str] | None = None) -> Spec | SpecError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.lake.yaml")
        path.write_bytes(content)
        try:
            return load([path], variables or {"PROXIES": "/p"})
        except SpecError as error:
            caught = error
    assert caught.faults
    for fault in caught.faults:
        assert fault.message == fault.message.strip()
        assert len(fault.message) < 2000
        assert fault.message.isprintable()
    return caught


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """The whole spec with pieces cut out, put in and repeated."""
    text = WHOLE
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from(PIECES) | st.text(max_size=3))
        text = text[:start] + piece * draw(st.integers(0, 2)) + text[end:]
    return text.encode("utf-8", "surrogatepass")


@given(mutations())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_specs(content: bytes) -> None:
    assert isinstance(outcome(content), Spec | SpecError)


@given(st.binary(max_size=300))
@settings(max_examples=120, deadline=None)
def test_random_bytes(content: bytes) -> None:
    assert isinstance(outcome(content), SpecError)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["1MB", "3m", "A", "*", "davs", "davs://h:1", "none", "duration < 3s", "tpc"]),
    st.text(max_size=4),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)
KEYS = ["kind", "on", "every", "timeout", "driver", "expect", "allow_empty", "protocols", "sizes",
        "credentials", "mesh", "modes", "checksum", "via"]  # fmt: skip
RSE_KEYS = ["endpoints", "attributes", "hosts", "credential", "checksum", "tpc", "driver"]


def entries(keys: list[str], fixed: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(keys), VALUES, max_size=3).map(
        lambda drawn: {**fixed, **drawn}
    )


SPECS = st.fixed_dictionaries(
    {
        "lakecheck": st.just(1),
        "inventory": st.fixed_dictionaries(
            {
                "rses": st.fixed_dictionaries(
                    {
                        "A": entries(RSE_KEYS, {"endpoints": ["davs://a:1/x"]}),
                        "B": st.just({"endpoints": ["davs://b:1/x", "root://b:2//x"]}),
                    }
                )
            }
        ),
        "tests": st.fixed_dictionaries(
            {
                "f": entries(KEYS, {"kind": "functional"}),
                "t": entries(KEYS, {"kind": "tpc"}),
            }
        ),
    }
)


@given(SPECS)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_loads_fits_the_schema_and_what_does_not_fit_does_not_load(
    content: dict[str, Any],
) -> None:
    loaded = isinstance(outcome(json.dumps(content).encode()), Spec)

    assert not loaded or [error.message for error in VALIDATOR.iter_errors(content)] == []
