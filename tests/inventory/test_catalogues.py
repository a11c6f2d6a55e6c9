"""CRIC's, Rucio's and fts-analysis-datalake's JSON → RSEs."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakecheck.inventory import PARSERS, Catalogue, NotUnderstood, parse
from lakecheck.spec.locks import check_rse
from tests.inventory.samples import FTS, PLAIN, doma, encoded, export


def urls(found: Catalogue) -> dict[str, tuple[str, ...]]:
    return {name: rse.endpoints for name, rse in found.rses.items()}


def why(found: Catalogue) -> dict[str, str]:
    return {each.what: each.why for each in found.ignored}


def test_cric_doma() -> None:
    found = parse("cric", encoded(doma()))

    assert urls(found) == {
        "CNAF-STORM": ("davs://storm.cnaf.it:8443/escape/no/slash",),
        "DESY-DCACHE": (
            "davs://dcache.desy.de:2880//pnfs/desy.de/escape",
            "root://dcache.desy.de:1094//pnfs/desy.de/escape",
        ),
        "EULAKE-1": ("root://eulake.cern.ch:1094//eos",),
        "IPV6": ("davs://[2001:db8::7]:443/six",),
        "PIC-INJECT": ("gsiftp://pic.es:2811/x",),
        "TAPE": ("davs://tape.org:443/t",),
    }
    assert why(found) == {
        "CNAF-STORM srm://storm.cnaf.it:8444/srm": "SRM endpoints are not tested",
        "EMPTY": "it has no protocols",
        "NO PORT?": '"NO PORT?" is no name; a name has letters, digits, - and _',
        "ONLY-MOCK": "none of its protocols can be tested",
        "ONLY-MOCK file:///tmp": 'no driver speaks "file"',
        "ONLY-MOCK mock://m:1/": 'no driver speaks "mock"',
        "PORTLESS": "none of its protocols can be tested",
        "PORTLESS davs://portless.org/x": '"davs://portless.org/x" has no port; '
        "write davs://portless.org:443/x, or whichever it is",
    }


def test_attributes_of_cric() -> None:
    rses = parse("cric", encoded(doma())).rses

    assert rses["CNAF-STORM"].attributes == {
        "country": "IT",
        "deterministic": True,
        "fts": "https://fts.example.org:8446",
        "qos_class": "CHEAP",
        "rse_type": "DISK",
    }
    assert rses["EULAKE-1"].attributes["availability_write"] is False
    assert rses["TAPE"].attributes["tier"] == 1
    assert rses["IPV6"].checksum == "none"


def test_roles_in_third_party_copies() -> None:
    rses = parse("cric", encoded(doma())).rses

    assert rses["DESY-DCACHE"].tpc == ("pull", "push")
    assert rses["CNAF-STORM"].tpc == ("push",)
    assert rses["PIC-INJECT"].tpc == "none"
    assert rses["EULAKE-1"].tpc == ("pull", "push")  # nothing is told
    assert parse("rucio", encoded(export())).rses["DESY-DCACHE"].tpc == ("push",)


def test_cric_plain() -> None:
    found = parse("cric", encoded(PLAIN))

    assert urls(found) == {
        "DESY-DCACHE": ("davs://dcache.desy.de:2880//pnfs", "root://dcache.desy.de:1094//pnfs"),
        "LAPP-WEBDAV": ("davs://lapp.fr:8001/webdav",),
    }
    assert found.rses["LAPP-WEBDAV"].checksum == "none"
    assert set(why(found)) == {"NOTHING", "SURF-SRM", "SURF-SRM srm://srm.nl:8443/"}


def test_an_export_of_rucio() -> None:
    found = parse("rucio", encoded(export()))

    assert list(found.rses) == ["DESY-DCACHE"]
    attributes = found.rses["DESY-DCACHE"].attributes
    assert (attributes["country"], attributes["tier"], attributes["big"]) == ("DE", 2, str(10**30))
    assert "DESY-DCACHE" not in attributes
    assert why(found)["DESY-DCACHE attribute"] == '"a b" is no name of an attribute'


def test_a_configuration_of_fts_analysis_datalake() -> None:
    found = parse("fts_config", encoded(FTS))

    assert urls(found) == {
        "127-0-0-1-1": ("davs://127.0.0.1:1/a",),
        "127-0-0-1-2": ("root://127.0.0.1:2//a",),
        "dcache-desy-de": ("davs://dcache.desy.de:2880/pnfs", "root://dcache.desy.de:1094//pnfs"),
        "lapp-esc02-in2p3-fr": ("davs://lapp-esc02.in2p3.fr:8001/webdav",),
    }
    assert set(why(found)) == {"noport-org", "noport-org root://noport.org/x"}


@pytest.mark.parametrize("source", PARSERS)
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<!DOCTYPE html><html>log in", "it is a web page and no JSON, perhaps a login"),
        (b"", "it is not JSON, or only a part of it"),
        (b'{"rses": {"A": ', "it is not JSON, or only a part of it"),
        (b"\xff\xfe", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "it is a JSON list; expected a map of RSEs"),
        (b"null", "it is a JSON null"),
        (b'{"rses": [], "protocols": []}', " is a list; expected a map"),
        (b'{"rses": {}, "protocols": {}}', "it lists no RSE that can be tested"),
        (b'{"error": "no", "status": 500}', "it is JSON without "),
    ],
)
def test_answers_that_are_no_catalogue(source: str, content: bytes, told: str) -> None:
    with pytest.raises(NotUnderstood) as caught:
        parse(source, content)

    assert told in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["rses", "protocols", "scheme", "hostname", "port", "prefix", "domains",
                         "wan", "third_party_copy", "endpoint", "flavour", "path", "params", "A",
                         "attributes", "country_name", "davs"]), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(st.sampled_from(sorted(PARSERS)), JSON, JSON)
@example("cric", {}, {"protocols": 5})
@example("cric", {}, {"protocols": [{"scheme": "davs", "hostname": {}, "port": 4.5}]})
@example("rucio", {}, {"protocols": [{"scheme": "davs", "hostname": "h", "port": True}]})
def test_whatever_a_catalogue_says_is_rses_or_a_sentence(source: str, inner: Any, rse: Any) -> None:
    for answer in (inner, {"rses": inner, "protocols": inner}, {"rses": {"A": rse}, "A": rse}):
        with suppress(NotUnderstood):
            for name, each in parse(source, json.dumps(answer).encode()).rses.items():
                check_rse(name, each)
