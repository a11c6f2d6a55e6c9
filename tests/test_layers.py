"""The layers contract of pyproject.toml places every module, holds, and can be broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
LINTER = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or "lint-imports"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINTER, "--no-logo", "--no-cache", "--config", str(folder / "pyproject.toml")],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )


def copy_of_the_package(folder: Path) -> Path:
    shutil.copytree(ROOT / "lakecheck", folder / "lakecheck")
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def rooms() -> set[str]:
    package = ROOT / "lakecheck"
    found = {file.stem for file in package.glob("*.py")} | {
        folder.name for folder in package.iterdir() if any(folder.rglob("*.py"))
    }
    return found - {"__init__", "__main__"}


def test_every_module_is_placed_and_every_place_is_a_module() -> None:
    layers = CONTRACTS["contracts"][0]["layers"]
    placed = [name for layer in layers for name in layer.replace("|", ":").split(":")]

    assert sorted(name.strip() for name in placed) == sorted(rooms())


def test_the_contracts_hold() -> None:
    outcome = lint(ROOT)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_a_module_without_a_place_is_found(tmp_path: Path) -> None:
    copy = copy_of_the_package(tmp_path)
    (copy / "lakecheck" / "stray.py").write_text('"""A module that no layer names."""\n')

    outcome = lint(copy)

    assert outcome.returncode == 1
    assert "stray" in outcome.stdout


def test_an_import_against_the_layers_is_found(tmp_path: Path) -> None:
    copy = copy_of_the_package(tmp_path)
    with (copy / "lakecheck" / "units.py").open("a") as module:
        module.write("\nimport lakecheck.model\n")

    outcome = lint(copy)

    assert outcome.returncode == 1
    assert "lakecheck.units is not allowed to import lakecheck.model" in outcome.stdout
