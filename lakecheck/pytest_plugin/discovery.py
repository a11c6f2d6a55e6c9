"""Which specs a pytest call means, known before any of them is collected."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from lakecheck.spec.files import SUFFIX


def spec_files(config: pytest.Config) -> list[Path]:
    """Every `*.lake.yaml` that the arguments of this call lead to; each real path once.

    Specs form one whole, so all must be known when the first one is collected.
    """
    found: dict[Path, None] = {}
    for argument in config.args:
        path = config.invocation_params.dir / argument.split("::", 1)[0]
        for file in _below(path, config.getini("norecursedirs")):
            found[file.resolve()] = None
    return list(found)


def own_specs(config: pytest.Config) -> list[Path]:
    """Specs for own tests where the call names none: the ini option's, else `specs/`."""
    named = [Path(path) for path in config.getini("lakecheck_specs") or ()]
    default = config.rootpath / "specs"
    return named or ([default] if default.is_dir() else [])


def _below(path: Path, shunned: list[str]) -> Iterator[Path]:
    if path.is_file():
        if path.name.endswith(SUFFIX):
            yield path
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(
            name
            for name in folders
            if not any(fnmatch(name, pattern) for pattern in shunned) and name != "__pycache__"
        )
        for name in sorted(files):
            if name.endswith(SUFFIX):
                yield Path(folder, name)
