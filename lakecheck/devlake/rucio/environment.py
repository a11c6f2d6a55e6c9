"""Rucio's own virtual environment, in the cache, with an empty database ready to be copied."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lakecheck.devlake.account import server_account
from lakecheck.devlake.fetch import FETCH_WITHIN, made
from lakecheck.devlake.rucio import configuration
from lakecheck.errors import LakecheckError

VERSION = "41.5.0"
LOCK = Path(__file__).with_name("requirements.lock")
INSIDE = Path(__file__).with_name("inside")
EMPTY = "empty.db"


def fetched() -> Path:
    """Give the environment's folder; it is made where it is not there yet."""
    python = _base_python()
    parts = (LOCK.read_bytes(), (INSIDE / "database.py").read_bytes(), str(python).encode())
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    return made(f"rucio-{VERSION}-{digest}", lambda folder: _make(folder, python))


def python_of(folder: Path) -> Path:
    """Give an environment's Python."""
    return folder / "bin" / "python"


def packages_of(folder: Path) -> Path:
    """Give the folder of an environment's packages."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return folder / "lib" / version / "site-packages"


def _base_python() -> Path:
    """Find an interpreter like ours that the servers' account can start."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = Path(getattr(sys, "_base_executable", sys.executable))
    for candidate in (own.resolve(), Path("/usr/bin", version)):
        if candidate.exists() and server_account().reaches(candidate.parent):
            return candidate
    raise LakecheckError(
        f"Rucio runs as the account {server_account().name}, which cannot start {own}; "
        f"install {version} in /usr/bin"
    )


def _make(folder: Path, python: Path) -> None:
    install = ["--quiet", "--require-hashes", "--no-deps", "-r", str(LOCK)]
    if shutil.which("uv"):
        _run(["uv", "venv", "--quiet", "--allow-existing", "--python", str(python), str(folder)])
        _run(["uv", "pip", "install", "--python", str(python_of(folder)), *install])
    else:
        _run([str(python), "-m", "venv", "--without-pip", str(folder)])
        pip = ["pip", "--disable-pip-version-check", "--python", str(python_of(folder))]
        _run([sys.executable, "-m", *pip, "install", *install])
    _link_gfal2(folder)
    # Compiled now, since the servers' account cannot write here; with the paths of later.
    compiling = ["-m", "compileall", "-q", "-j", "0", "-s", str(folder)]
    _run([str(python_of(folder)), *compiling, str(packages_of(folder))], may_fail=True)
    _make_database(folder)


def _link_gfal2(folder: Path) -> None:
    found = importlib.util.find_spec("gfal2")  # Debian's, which ci/install links for us too
    if found is None or found.origin is None:
        raise LakecheckError(
            "Rucio deletes files with gfal2, whose Python binding is missing; "
            "install it: apt-get install --no-install-recommends python3-gfal2"
        )
    binding = Path(found.origin).resolve()
    (packages_of(folder) / binding.name).symlink_to(binding)


def _make_database(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        config, database = Path(scratch, "rucio.cfg"), folder / EMPTY
        config.write_text(configuration.server(Path(scratch), database, packages_of(folder)))
        environment = {"RUCIO_CONFIG": str(config), "PYTHONPATH": str(INSIDE.parent)}
        command = [str(python_of(folder)), "-m", "inside.database", str(database)]
        _run(command, environment={**os.environ, **environment})


def _run(
    command: list[str], *, may_fail: bool = False, environment: dict[str, str] | None = None
) -> None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=FETCH_WITHIN,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise LakecheckError(f"Rucio was not fetched within {FETCH_WITHIN} s") from None
    if done.returncode and not may_fail:
        said = " ".join((done.stdout + done.stderr).split()) or "it says nothing"
        raise LakecheckError(f"Rucio's environment cannot be made: {Path(command[0]).name}: {said}")
