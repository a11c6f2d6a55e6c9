from __future__ import annotations

import os
from pathlib import Path

from lakecheck.spec import load
from tests.spec.conftest import Faults, write

HEAD = "lakecheck: 1\n"


def rse(name: str) -> str:
    return f"inventory: {{rses: {{{name}: {{endpoints: ['davs://h:1']}}}}}}\n"


def test_what_is_included_comes_first_and_once(folder: Path) -> None:
    write(
        folder,
        {
            "a.lake.yaml": f"{HEAD}include: [sites/*.lake.yaml, sites/b.lake.yaml]\n{rse('A')}",
            "sites/b.lake.yaml": f"include: ../common.yaml\n{rse('B')}",
            "sites/c.lake.yaml": f"include: ../common.yaml\n{rse('C')}",
            "common.yaml": rse("COMMON"),
        },
    )

    spec = load(["a.lake.yaml", "sites/c.lake.yaml"])

    assert list(spec.inventory.rses) == ["COMMON", "B", "C", "A"]
    assert spec.files == (
        "common.yaml",
        os.path.join("sites", "b.lake.yaml"),
        os.path.join("sites", "c.lake.yaml"),
        "a.lake.yaml",
    )
    assert spec.inventory.rses["C"].origin == "sites/c.lake.yaml:2"


def test_a_folder_gives_its_specs_sorted_and_no_hidden_ones(folder: Path) -> None:
    write(
        folder,
        {
            "z.lake.yaml": HEAD + rse("Z"),
            "b/c.lake.yaml": rse("C"),
            ".git/x.lake.yaml": rse("X"),
            ".y.lake.yaml": rse("Y"),
            "other.yaml": rse("OTHER"),
        },
    )

    assert list(load(["."]).inventory.rses) == ["C", "Z"]


def test_each_real_file_is_read_once(folder: Path) -> None:
    write(folder, {"a.lake.yaml": HEAD + rse("A")})
    os.symlink("a.lake.yaml", folder / "b.lake.yaml")

    assert load([".", "a.lake.yaml", "b.lake.yaml"]).files == ("a.lake.yaml",)


def test_files_below_the_current_folder_are_named_from_there(folder: Path) -> None:
    write(folder, {"specs/a.lake.yaml": HEAD + rse("A")})

    spec = load([folder / "specs"])

    assert spec.files == ("specs/a.lake.yaml",)
    assert spec.inventory.rses["A"].origin == "specs/a.lake.yaml:2"


def test_a_missing_include(faults: Faults) -> None:
    text = HEAD + "include:\n  - nowhere.yaml\n  - sites/*.yaml\n  - 5\n"

    assert faults(text) == [
        'a.lake.yaml:3:5: include[0]: there is no file "nowhere.yaml"',
        'a.lake.yaml:4:5: include[1]: there is no file "sites/*.yaml"',
        "a.lake.yaml:5:5: include[2]: expected a path or a list of paths, found 5",
    ]


def test_an_include_that_is_something_else(faults: Faults, folder: Path) -> None:
    (folder / "sites").mkdir()

    assert faults(HEAD + "include: sites") == [
        'a.lake.yaml:2:10: include: "sites" is a folder; name its files, as in *.lake.yaml'
    ]
    assert faults(HEAD + "include: {a: b}") == [
        "a.lake.yaml:2:10: include: expected a path or a list of paths, found a map"
    ]
    assert faults(HEAD + "include: ${HOME}/a") == [
        'a.lake.yaml:2:10: include: "${HOME}/a": environment variables are not taken here'
    ]


def test_includes_that_loop(faults: Faults) -> None:
    files = {
        "a.lake.yaml": HEAD + "include: b.yaml",
        "b.yaml": "include: c.yaml",
        "c.yaml": "include: b.yaml",
    }

    assert faults(files) == [
        "c.yaml:1:10: include: the files include each other: b.yaml → c.yaml → b.yaml"
    ]
    assert faults(HEAD + "include: a.lake.yaml") == [
        "a.lake.yaml:2:10: include: the files include each other: a.lake.yaml → a.lake.yaml"
    ]


def test_includes_without_end(faults: Faults) -> None:
    files = {f"{n}.yaml": f"include: {n + 1}.yaml" for n in range(1000)}

    assert faults({**files, "a.lake.yaml": HEAD + "include: 0.yaml"}) == [
        "20.yaml: more than 20 files that include each other"
    ]


def test_a_file_that_is_no_file(faults: Faults, folder: Path) -> None:
    os.mkfifo(folder / "pipe")

    assert faults(HEAD + "include: pipe") == ["pipe: it is not a file that can be read as a spec"]


def test_names_in_a_file_that_cannot_be_read_are_not_called_unknown(faults: Faults) -> None:
    files = {
        "a.lake.yaml": HEAD + "include: b.yaml\ntests: {t: {kind: functional, on: THERE}}",
        "b.yaml": "inventory: [",
    }

    assert faults(files) == ["b.yaml:2:1: not valid YAML: a value or a closing bracket is missing"]
