from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from lakecheck.errors import SpecError
from lakecheck.model import Spec
from lakecheck.spec import load

Write = Callable[..., Spec]
Faults = Callable[..., list[str]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, empty, so that messages name files without it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def spec(folder: Path) -> Write:
    """Load one file of this text, with the environment given."""

    def load_text(text: str, **variables: str) -> Spec:
        write(folder, {"a.lake.yaml": text})
        return load(["a.lake.yaml"], variables)

    return load_text


@pytest.fixture
def faults(folder: Path) -> Faults:
    """Load files that are faulty and give the sentences, in order."""

    def load_faulty(files: str | Mapping[str, str], *paths: str, **variables: str) -> list[str]:
        write(folder, {"a.lake.yaml": files} if isinstance(files, str) else files)
        with pytest.raises(SpecError) as caught:
            load(paths or ["a.lake.yaml"], variables)
        return [str(fault) for fault in caught.value.faults]

    return load_faulty
