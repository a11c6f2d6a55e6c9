"""What is not YAML, or not ours: each with its exact sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lakecheck.errors import SpecError
from lakecheck.spec import composer, load
from tests.spec.conftest import Faults

BOMB = "lakecheck: 1\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)

TABLE = {
    "empty": ("", '%: the file is empty; a spec begins with "lakecheck: 1"'),
    "only a comment": ("# tests\n", '%: the file is empty; a spec begins with "lakecheck: 1"'),
    "a list at the top": ("- a\n", "%:1:1: expected a map of sections at the top, found a list"),
    "a word at the top": ("tests", '%:1:1: expected a map of sections at the top, found "tests"'),
    "tab": ("tests:\n\ta: {}\n", "%:2:1: a tab; YAML is indented with spaces"),
    "tab after spaces": ("tests:\n  \ta: {}\n", "%:2:3: a tab; YAML is indented with spaces"),
    "star": (
        "tests: {a: {on: *\\tier=1}}",
        '%:1:18: not valid YAML: "*" and "&" begin an alias or anchor in YAML; '
        "put an expression that begins with one in quotes",
    ),
    "alias without anchor": (
        "tests: {a: {on: *tier}}",
        '%:1:17: "*tier" is an alias of an anchor that does not exist; '
        "an RSE expression that begins with * stands in quotes: '*tier'",
    ),
    "alias inside of its anchor": (
        "tests: &a {x: *a}",
        '%:1:15: the alias "*a" stands inside of what it repeats',
    ),
    "colon": (
        "tests:\n  a: on: b\n",
        '%:2:8: not valid YAML: a ": " where no map can begin; '
        "put a text that holds one in quotes, or check the indentation",
    ),
    "open bracket": (
        "tests: [\n",
        "%:2:1: not valid YAML: a value or a closing bracket is missing",
    ),
    "missing comma": (
        "tests: [a b: c d: e]",
        "%:1:17: not valid YAML: a bracket that is not closed, or a comma that is missing",
    ),
    "open quote": ('tests: "\n', "%:2:1: not valid YAML: a quote that is not closed"),
    "indentation": (
        "tests:\n  a:\n    kind: tpc\n   on: b\n",
        "%:4:4: not valid YAML: no key where one should be; check the indentation, "
        "and that quotes and brackets are closed",
    ),
    "key without colon": (
        "lakecheck: 1\ntests\n",
        '%:3:1: not valid YAML: a key without ":" after it',
    ),
    "two documents": (
        "lakecheck: 1\n---\nlakecheck: 1\n",
        "%:2:1: a spec file holds one YAML document; here a second one begins",
    ),
    "a tag": (
        "tests: !!python/object:os.system {}",
        '%:1:8: the YAML tag "!!python/object:os.system" means nothing in a spec',
    ),
    "bomb": (BOMB, "%:7:14: more than 250,000 values, counting what aliases (*) repeat"),
    "depth": ("[" * 100_000, "%:1:41: nested more than 40 levels deep"),
    "control character": ("a: \x01", "%:1:4: the character U+0001, which YAML forbids"),
}


@pytest.mark.parametrize(("text", "message"), TABLE.values(), ids=TABLE)
def test_sentence(text: str, message: str, faults: Faults) -> None:
    # Nothing else is said of these, but that what could not be read has no version.
    said = [fault for fault in faults(text) if '"lakecheck" is missing' not in fault]

    assert said[0] == message.replace("%", "a.lake.yaml")
    assert len(said) == 1


@pytest.mark.parametrize(("text", "message"), TABLE.values(), ids=TABLE)
def test_the_same_sentence_without_the_parser_in_c(
    text: str, message: str, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composer, "_LOADER", yaml.SafeLoader)

    test_sentence(text, message, faults)


BYTES = {
    "NUL": (b"\x7fELF\0\0", "%: this is not a text file: it holds NUL bytes"),
    "latin-1": (
        b"lakecheck: 1\n# G\xf6ttingen\n",
        "%:2:4: this is not UTF-8 text: byte 0xf6; save the file as UTF-8",
    ),
    "UTF-16": ("tests: {}".encode("utf-16"), "%: this is not a text file: it holds NUL bytes"),
    "10 MB": (b"#" * 10_000_000, "%: the file has 10MB; a spec file may have 4MB"),
}


@pytest.mark.parametrize(("content", "message"), BYTES.values(), ids=BYTES)
def test_sentence_for_bytes(content: bytes, message: str, folder: Path) -> None:
    (folder / "a.lake.yaml").write_bytes(content)

    with pytest.raises(SpecError) as caught:
        load(["a.lake.yaml"])

    assert str(caught.value) == message.replace("%", "a.lake.yaml")


def test_a_byte_order_mark_is_no_fault(folder: Path) -> None:
    (folder / "a.lake.yaml").write_bytes("lakecheck: 1".encode("utf-8-sig"))

    assert load(["a.lake.yaml"]).files == ("a.lake.yaml",)


def test_duplicate_keys_are_told_with_both_places(faults: Faults) -> None:
    text = """\
lakecheck: 1
tests:
  a: {kind: tpc, allow_empty: true}
  b:
    kind: tpc
    allow_empty: true
    kind: tpc
  a: {kind: tpc, allow_empty: true}
tests: {}
"""
    assert faults(text) == [
        'a.lake.yaml:7:5: tests.b: duplicate key "kind"; first in a.lake.yaml:5',
        'a.lake.yaml:8:3: tests: duplicate key "a"; first in a.lake.yaml:3',
        'a.lake.yaml:9:1: duplicate key "tests"; first in a.lake.yaml:2',
    ]


def test_keys_that_are_no_words(faults: Faults) -> None:
    text = 'lakecheck: 1\n? [a]\n: b\n1: 2\ntests: {<<: {a: b}, "a\\nb": {}}\n'
    sections = "lakecheck, include, inventory, credentials, services, tests, publish, consume"

    assert faults(text) == [
        "a.lake.yaml:2:3: a key is a word; found a list",
        f'a.lake.yaml:4:1: unknown key "1"; known here: {sections}',
        'a.lake.yaml:5:9: tests: YAML 1.2 has no merge key "<<"; '
        "repeat the keys, or a whole value with an alias",
        'a.lake.yaml:5:21: tests: "a\\nb" is no name; a name has letters, digits, - and _',
    ]


def test_after_a_thousand_faults_it_ends(faults: Faults) -> None:
    said = faults("lakecheck: 1\n" + "".join(f"key{n}: 1\n" for n in range(5000)))

    assert len(said) == 1001
    assert said[-1] == 'a.lake.yaml:1001:1: unknown key "key999"; known here: ' + (
        "lakecheck, include, inventory, credentials, services, tests, publish, consume"
    )
    assert "a.lake.yaml:1001:1: and more: after 1000 faults reading ends" in said
