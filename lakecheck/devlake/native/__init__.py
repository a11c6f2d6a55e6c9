"""Two small native libraries that the embedded lake's servers load, built when first needed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from importlib.resources import files
from pathlib import Path

from msgspec import Struct

from lakecheck.errors import LakecheckError

_PACKAGES = "g++ libxrootd-dev libxrootd-server-dev libxrootd-private-dev"


class Libraries(Struct, frozen=True):
    """Where the built libraries are."""

    checksum: Path  # XRootD plug-in; configure it without the `-5` of its name
    fault: Path  # to preload


def cache_folder() -> Path:
    """Give the user's cache folder of lakecheck."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "lakecheck" / "native"


def build(version: str) -> Libraries:
    """Build both libraries for this version of XRootD, or find them built already."""
    checksum, fault = _source("ckseager.cc"), _source("lakefault.c")
    digest = hashlib.sha256(version.encode() + checksum + fault).hexdigest()[:16]
    folder = cache_folder() / digest
    built = Libraries(folder / "libCksEager-5.so", folder / "libLakeFault.so")
    if not (built.checksum.exists() and built.fault.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        include = "/usr/include/xrootd"
        headers = ["-I", include, "-I", f"{include}/private"]
        _compile("g++", ["-std=c++14", *headers], "ckseager.cc", checksum, built.checksum)
        _compile("g++", ["-x", "c"], "lakefault.c", fault, built.fault)
    return built


def _source(name: str) -> bytes:
    return files(__package__).joinpath(name).read_bytes()


def _compile(compiler: str, options: list[str], name: str, source: bytes, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        file, fresh = Path(scratch, name), Path(scratch, target.name)
        file.write_bytes(source)
        command = [compiler, "-shared", "-fPIC", "-O1", *options, str(file), "-o", str(fresh)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise LakecheckError(
                f"the embedded lake builds a small library for its servers and finds no "
                f"{compiler}; install it: apt-get install {_PACKAGES}"
            ) from None
        if done.returncode:
            first = next((line for line in done.stderr.splitlines() if "error" in line), "")
            raise LakecheckError(
                f"{name} does not build ({first.strip()}); "
                f"its headers come with: apt-get install {_PACKAGES}"
            )
        fresh.replace(target)  # two lakes may build at once
