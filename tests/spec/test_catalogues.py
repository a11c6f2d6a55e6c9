"""`inventory.cric`, `rucio` and `fts_config`: their mistakes, and what their locks add."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lakecheck.errors import SpecError
from lakecheck.spec import load, schema, sources
from tests.spec.conftest import Faults, write

HEAD = "lakecheck: 1\ninventory:\n"
TESTS = "tests: {t: {kind: functional}}\n"
EOS = {"endpoints": ["davs://eos:443/x", "root://eos:1094//x"], "attributes": {"country": "CH"}}
DCACHE = {"endpoints": ["davs://dcache:2880/y"], "attributes": {"tier": 1}, "tpc": ["pull"]}
CATALOGUES = [
    pytest.param("cric: {}", '3:9: inventory.cric: the key "url" is missing', id="no url"),
    pytest.param(
        "cric: {url: x, locks: y}",
        '3:18: inventory.cric: unknown key "locks"; did you mean "lock"?',
        id="unknown key",
    ),
    pytest.param(
        "cric: {url: 'ftp://x'}",
        '3:15: inventory.cric.url: "ftp://x": catalogues are read over https or http',
        id="scheme",
    ),
    pytest.param(
        "cric: {url: 'https://me:geheim@x/'}",
        "3:15: inventory.cric.url: a catalogue's URL holds no user name or password",
        id="password",
    ),
    pytest.param(
        "cric: {url: 'https://x/?${TOKEN}'}",
        '3:15: inventory.cric.url: "https://x/?${TOKEN}": environment variables are taken only in',
        id="variable",
    ),
    pytest.param(
        "rucio: {url: 'https://x', export: y}",
        "3:10: inventory.rucio: expected one of service, export, url; found export and url",
        id="two of rucio",
    ),
    pytest.param(
        "rucio: {lock: x}",
        "3:10: inventory.rucio: expected one of service, export, url; found none",
        id="none of rucio",
    ),
    pytest.param(
        "rucio: {service: x, account: y}",
        "3:10: inventory.rucio: account are for url; a service has its own",
        id="account of a service",
    ),
    pytest.param(
        "rucio: {service: rucio}",
        '3:3: inventory.rucio: there is no service "rucio"; declare it in services:',
        id="unknown service",
    ),
    pytest.param(
        "rucio: {service: fts}\nservices: {fts: {kind: fts, url: 'https://x'}}",
        "3:3: inventory.rucio: fts is a service of kind fts, expected rucio",
        id="other service",
    ),
    pytest.param(
        "rucio: {url: 'https://x', credential: robot}",
        '3:3: inventory.rucio: there is no credential "robot"; declare it in credentials:',
        id="unknown credential",
    ),
    pytest.param(
        "fts_config: {url: x, refresh: 10}",
        "3:33: inventory.fts_config.refresh: 10 has no unit",
        id="duration",
    ),
    pytest.param(
        "except: [A B]",
        "3:12: inventory.except[0]: expected an RSE, or a glob such as OLD-*",
        id="except",
    ),
    pytest.param("cric: https://x", "3:9: inventory.cric: expected a map with the keys", id="text"),
]


def lock(source: str = "cric", gone: dict[str, Any] | None = None, **rses: Any) -> str:
    named = {name.replace("_", "-"): rse for name, rse in rses.items()}
    head = {"lock": 1, "source": source, "from": "https://cric", "read": "2026-11-21T09:00:00Z"}
    return json.dumps({**head, "rses": named, "gone": gone or {}})


@pytest.mark.parametrize(("text", "told"), CATALOGUES)
def test_mistakes(faults: Faults, text: str, told: str) -> None:
    found = faults(f"{HEAD}  {text}\n{TESTS}")

    assert any(fault.startswith(f"a.lake.yaml:{told}") for fault in found), found


def test_a_catalogue_stands_once(faults: Faults) -> None:
    text = HEAD + "  cric: {url: x}\n"

    assert faults({"a.lake.yaml": text, "b.lake.yaml": text}, ".")[-1] == (
        "b.lake.yaml:3:3: inventory.cric: given twice; first in a.lake.yaml:3"
    )


def test_a_lock_that_is_not_there_is_told_alone(faults: Faults) -> None:
    text = f"{HEAD}  cric: {{url: x}}\n  rses: {{A: {{checksum: none}}}}\n"
    text += "tests: {t: {kind: functional, on: B}}\n"

    assert faults({"specs/a.lake.yaml": text}, "specs") == [
        "specs/a.lake.yaml:3:3: inventory.cric: there is no lock specs/cric.lock.json yet; "
        "`lakecheck inventory update` reads the catalogue and writes it"
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"lock": 1, "source": "cr', "is torn or was edited: no JSON; `lakecheck inventory upd"),
        ("", "is torn or was edited"),
        ('{"lock": 2}', "is not sound: Invalid enum value 2"),
        ("# Changes", "is no lock of an inventory; name another file with lock:"),
        ('{"private": true}', "is no lock of an inventory"),
        (lock("rucio", A=EOS), 'is of "rucio", not of cric'),
        (lock(A={"endpoints": []}), "is not sound: A has no endpoints"),
        (lock(A={"endpoints": ["davs://h/x"]}), 'is not sound: "davs://h/x" has no port'),
        (lock("cric", None, **{"a b": EOS}), 'is not sound: "a b" is no name'),
        (lock(A={"endpoints": ["davs://h:1"], "attributes": {"a b": 1}}), 'sound: "a b" is no na'),
        (lock(A={"endpoints": 5}), "is not sound: Expected"),
    ],
)
def test_a_lock_that_cannot_serve(faults: Faults, content: str, told: str) -> None:
    text = f"{HEAD}  cric: {{url: x}}\n{TESTS}"
    (found,) = faults({"a.lake.yaml": text, "cric.lock.json": content})

    assert found.startswith("a.lake.yaml:3:3: inventory.cric: ")
    assert "cric.lock.json" in found
    assert told in found


def test_two_catalogues_need_two_locks(faults: Faults) -> None:
    text = f"{HEAD}  cric: {{url: x, lock: l}}\n  rucio: {{export: x, lock: l}}\n{TESTS}"

    assert faults({"a.lake.yaml": text, "l": lock(A=EOS)}) == [
        "a.lake.yaml:4:3: inventory.rucio: cric has the same lock l; give each its own"
    ]


def test_a_scheme_of_a_lock_that_no_driver_speaks(faults: Faults) -> None:
    files = {"a.lake.yaml": f"{HEAD}  cric: {{url: x}}\n{TESTS}"}
    (found,) = faults(files | {"cric.lock.json": lock(A={"endpoints": ["s3://h:1/b"]})})

    assert found.startswith('a.lake.yaml:3:3: inventory.rses.A in its lock: No driver speaks "s3".')


def test_what_is_declared_lies_over_what_catalogues_say(folder: Path) -> None:
    text = """\
  rucio: {export: dump.json}
  cric: {url: "https://cric", lock: ../locks/cric.json}
  rses:
    EOS: {attributes: {quota: low}, checksum: md5, credential: none}
    OWN: {endpoints: ["davs://own:1"]}
  except: [OLD-*, NEVER-THERE]
"""
    more = {"endpoints": ["root://eos:1094//x", "gsiftp://eos:2811/x"], "attributes": {"rw": True}}
    write(
        folder,
        {
            "specs/a.lake.yaml": HEAD + text + TESTS,
            "locks/cric.json": lock(EOS=EOS, OLD_1=EOS, DCACHE=DCACHE),
            "specs/rucio.lock.json": lock("rucio", EOS=more, DCACHE=DCACHE, OLD_2=EOS, NEW=EOS),
        },
    )

    rses = load(["specs"]).inventory.rses

    assert list(rses) == ["EOS", "DCACHE", "NEW", "OWN"]
    eos = rses["EOS"]
    assert [end.url for end in eos.endpoints] == [*EOS["endpoints"], "gsiftp://eos:2811/x"]
    assert eos.attributes == {"country": "CH", "rw": True, "quota": "low"}
    assert {end.checksum for end in eos.endpoints} == {"md5"}
    assert eos.origin == (
        "cric (locks/cric.json), rucio (specs/rucio.lock.json), specs/a.lake.yaml:6"
    )
    assert rses["DCACHE"].endpoints[0].tpc == ("pull",)
    assert rses["OWN"].origin == "specs/a.lake.yaml:7"


def test_what_left_its_catalogue_is_no_mistake_of_the_spec(folder: Path) -> None:
    text = "  cric: {url: x}\n  rses: {LEFT: {checksum: none}}\n"
    tests = "tests: {t: {kind: functional}, u: {kind: functional, on: LEFT}"
    tests += ", v: {kind: functional, on: tape}}\n"
    left = {"endpoints": ["davs://left:1"], "attributes": {"tape": True}}
    files = {
        "a.lake.yaml": HEAD + text + tests,
        "cric.lock.json": lock(gone={"LEFT": left}, EOS=EOS),
    }
    write(folder, files)

    assert list(load(["a.lake.yaml"]).inventory.rses) == ["EOS"]


def test_a_name_that_no_catalogue_ever_had_is_a_mistake(faults: Faults) -> None:
    text = HEAD + "  cric: {url: x}\n  rses:\n    EOSS: {checksum: none}\n" + TESTS

    (found,) = faults({"a.lake.yaml": text, "cric.lock.json": lock(EOS=EOS)})

    assert found.startswith(
        'a.lake.yaml:5:11: inventory.rses.EOSS: no catalogue has this RSE; did you mean "EOS"?; '
        'else the key "endpoints" is missing'
    )


def test_sources_are_told_whatever_else_is_wrong(folder: Path) -> None:
    write(
        folder,
        {
            "specs/a.lake.yaml": "inventory: {cric: {url: dump.json, frozen: true}}\ntests: []\n",
            "specs/b.lake.yaml": "inventory: {fts_config: {url: 'http://x', refresh: 1h, ca: c}}",
            "specs/c.lake.yaml": "] no YAML",
        },
    )
    cric, fts = sources(["specs"])

    assert (cric.name, cric.located, cric.frozen) == ("cric", "specs/dump.json", True)
    assert cric.lock == Path("specs/cric.lock.json")
    assert (fts.located, fts.refresh, fts.ca) == ("http://x", 3600, "specs/c")


def test_refreshing_comes_before_the_lock_is_read_and_only_for_sound_files(folder: Path) -> None:
    write(folder, {"a.lake.yaml": HEAD + "  cric: {url: x}\n" + TESTS})
    called = []

    def fetch(found: object) -> None:
        called.append(found)
        write(folder, {"cric.lock.json": lock(EOS=EOS)})

    assert list(load(["a.lake.yaml"], refresh=fetch).inventory.rses) == ["EOS"]
    write(folder, {"a.lake.yaml": HEAD + "  cric: {url: x}\ntest: {}\n"})
    with pytest.raises(SpecError):
        load(["a.lake.yaml"], refresh=fetch)
    assert len(called) == 1


def test_the_schema_knows_catalogues() -> None:
    sound = {"cric": {"url": "x", "refresh": "1h"}, "rses": {"A": {"checksum": "none"}}}
    validator = jsonschema.Draft202012Validator(schema())

    assert validator.is_valid({"inventory": {**sound, "except": ["A-*"]}})
    assert not validator.is_valid({"inventory": {"cric": {"refresh": "1h"}}})
    assert not validator.is_valid({"inventory": {"rucio": {"url": "x"}}})


COMPARED = "lakecheck: 1\ninventory: {rses: {A: {endpoints: ['davs://a:1/x']}}}\ntests:\n"


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("", 'the key "between" is missing; expected a list, each a catalogue: cric'),
        ("between: [cric]", "between: expected two catalogues, found 1"),
        ("between: [lock, lock]", '"lock" stands in this list twice'),
        ("between: [cric, rucio]", "between[0]: these specs have no inventory.cric"),
        ("between: [crick, 'cric:x']", 'no catalogue or lock "crick"; did you mean "cric"?'),
    ],
)
def test_mistakes_in_what_is_compared(faults: Faults, keys: str, told: str) -> None:
    found = faults(f"{COMPARED}  c: {{kind: consistency, {keys}}}\n")

    assert any(told in fault for fault in found), found
