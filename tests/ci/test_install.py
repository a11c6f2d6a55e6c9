"""ci/install: quick where all is there, and clear about what it cannot do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = set(
    [
        "bash",
        "cat",
        "comm",
        "dirname",
        "dpkg-query",
        "env",
        "grep",
        "id",
        "pwd",
        "sed",
        "sha256sum",
        "sort",
    ]
)


def install(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "ci" / "install", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder to be the whole PATH: no apt-get, pip or uv, no sudo."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        found = next(
            Path(place) / name for place in ("/usr/bin", "/bin") if Path(place, name).exists()
        )
        (folder / name).symlink_to(found)
    return folder


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)


def test_the_second_call_installs_nothing(tools: Path) -> None:
    first = install("--tests")
    program(tools, "apt-get", "echo apt-get was called; exit 1")

    second = install("--tests", PATH=str(tools))

    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr
    assert second.stderr == "ci/install: everything is in place\n"


def test_an_unknown_option_is_refused() -> None:
    outcome = install("--all")

    assert outcome.returncode == 1
    assert outcome.stderr == (
        'ci/install: unknown option "--all"; there are --tests and --no-packages\n'
    )


def test_another_system_is_told_what_to_install_by_hand(tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    release.write_text('ID=fedora\nVERSION_ID=43\nPRETTY_NAME="Fedora Linux 43"\n')

    outcome = install(SYSTEMD_OS_RELEASE=str(release))

    assert outcome.returncode == 1
    assert "this is Fedora Linux 43, and these are packages of Debian 12" in outcome.stderr
    assert "ci/install --no-packages: apache2-bin ca-certificates curl" in outcome.stderr


def test_a_machine_without_apt_is_told_what_to_install_by_hand(tools: Path) -> None:
    outcome = install(PATH=str(tools))

    assert outcome.returncode == 1
    assert "Install their like by hand" in outcome.stderr


def test_who_may_not_install_is_told_what_root_must_run(tools: Path) -> None:
    program(tools, "apt-get", "exit 1")
    program(tools, "id", "echo 1000")
    program(tools, "dpkg-query", "echo gfal2 installed")

    outcome = install(PATH=str(tools))

    assert outcome.returncode == 1
    assert "As root, run: apt-get install --no-install-recommends apache2-bin" in outcome.stderr
    assert "gfal2-plugin-http" in outcome.stderr
    assert "curl davix g++ gfal2-plugin-file" in outcome.stderr


def test_a_failing_apt_is_reported(tools: Path) -> None:
    program(tools, "id", "echo 1000")
    program(tools, "sudo", 'shift; "$@"')
    program(tools, "dpkg-query", "echo gfal2 installed")
    program(tools, "apt-get", "echo E: no network; exit 100")
    program(tools, "tee", "exec cat >/dev/null")
    for name in ("chmod", "rm"):
        program(tools, name, "exit 0")

    outcome = install(PATH=str(tools))

    assert outcome.returncode == 1
    assert "E: no network" in outcome.stderr
    assert "apt-get update failed" in outcome.stderr
