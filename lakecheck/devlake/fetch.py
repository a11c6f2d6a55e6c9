"""Server distributions from package registries: fetched once, checked, kept in a cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from lakecheck.devlake.account import server_account
from lakecheck.errors import LakecheckError

SHARED_CACHE = Path("/var/cache/lakecheck")
FETCH_WITHIN = 900  # seconds
NOTHING: Mapping[str, tuple[str, str]] = MappingProxyType({})
_POM = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lakecheck</groupId><artifactId>servers</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = (
    "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
)


def cache_folder() -> Path:
    """Give the folder for servers: the user's cache, or one that the servers' account can enter."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    own = Path(base) / "lakecheck"
    account = server_account()
    nearest = next(path for path in (own, *own.parents) if path.exists())
    return (own if account.reaches(nearest) else SHARED_CACHE) / "servers"


def unpacked(
    artifact: str,
    sha256: str,
    leave_out: Callable[[str], bool] = lambda name: False,
    inside: Mapping[str, tuple[str, str]] = NOTHING,
) -> Path:
    """Give the folder of a Maven zip (`group:name:version:zip`), unpacked; raises LakecheckError.

    Members for which `leave_out` holds are not unpacked. `inside` are further zips with their
    sha256, by the subfolder into which each goes.
    """
    parts = {"": (artifact, sha256), **inside}

    def make(folder: Path) -> None:
        for below, (each, wanted) in parts.items():
            with tempfile.TemporaryDirectory() as scratch:
                file = _copied(each, Path(scratch))
                _check(each, hashlib.sha256(file.read_bytes()).hexdigest(), wanted)
                _unzip(file, folder / below, leave_out)

    names = [f"{each.split(':')[1]}-{wanted[:16]}" for each, wanted in parts.values()]
    return made("-".join(names), make)


def copied_tree(tree: Path, name: str) -> Path:
    """Give a folder with the same content that the servers' account can enter."""
    if server_account().reaches(tree):
        return tree

    def make(folder: Path) -> None:
        shutil.copytree(tree, folder, dirs_exist_ok=True)

    return made(name, make)


def jars(name: str, artifacts: Sequence[str], sha256: str, leave_out: Sequence[str] = ()) -> Path:
    """Give a folder of Maven jars (`group:name:version`) with all that they need.

    `sha256` is of the lines `SHA256  FILE` of all jars, sorted by file, as sha256sum writes them.
    """

    def make(folder: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            pom = Path(scratch, "pom.xml")
            parts = (_DEPENDENCY.format(*artifact.split(":")) for artifact in artifacts)
            pom.write_text(_POM.format(dependencies="".join(parts)))
            goal = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
            _maven(name, ["-f", str(pom), *goal, f"-DoutputDirectory={folder}"])
        for file in leave_out:
            (folder / file).unlink(missing_ok=True)
        listed = "".join(
            f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n"
            for jar in sorted(folder.iterdir())
        )
        _check(name, hashlib.sha256(listed.encode()).hexdigest(), sha256)

    return made(f"{name}-{sha256[:16]}", make)


def _copied(artifact: str, folder: Path) -> Path:
    _maven(artifact, ["dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"])
    return next(folder.iterdir())


def _maven(what: str, arguments: list[str]) -> None:
    command = ["mvn", "-B", "-ntp", "-q", "-Dstyle.color=never", *arguments]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=FETCH_WITHIN,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise LakecheckError(
            f"{what} is fetched by Maven, and there is no mvn; "
            "install it: apt-get install --no-install-recommends maven"
        ) from None
    except subprocess.TimeoutExpired:
        raise LakecheckError(f"{what} was not fetched within {FETCH_WITHIN} s") from None
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        why = next((line for line in said if "ERROR" in line), "it gives no reason")
        raise LakecheckError(f"Maven cannot fetch {what}: {why.removeprefix('[ERROR] ')}")


def _check(what: object, found: str, wanted: str) -> None:
    if found != wanted:
        raise LakecheckError(
            f"{what} is not what was expected: its sha256 is {found}, not {wanted}; "
            "what was fetched was thrown away"
        )


def _unzip(file: Path, folder: Path, leave_out: Callable[[str], bool]) -> None:
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if leave_out(member.filename):
                continue
            target = Path(archive.extract(member, folder))
            mode = member.external_attr >> 16 & 0o777
            if mode and not member.is_dir():
                target.chmod(mode)


def made(name: str, make: Callable[[Path], None]) -> Path:
    """Give a folder of the cache; make it where it is not there yet, whole or not at all."""
    folder = cache_folder() / name
    if folder.exists():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(folder):
            if not folder.exists():
                fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{name}-"))
                try:
                    make(fresh)
                    fresh.chmod(0o755)
                    fresh.rename(folder)
                finally:
                    shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise LakecheckError(f"{folder} cannot be made: {error.strerror}") from None
    return folder


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    with open(folder.with_name(f".{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
