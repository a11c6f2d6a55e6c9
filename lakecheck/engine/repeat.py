"""Commands that repeat a check by hand, in the words of the protocol's own tools."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from lakecheck import registry
from lakecheck.engine import repeat_fts
from lakecheck.engine.sessions import resolve
from lakecheck.engine.tools import folder_url, remote_name
from lakecheck.errors import LakecheckError
from lakecheck.model import NOBODY, Case, Credential, Kind
from lakecheck.plan.matrix import size_label

STEPS = ("upload", "stat", "checksum", "download", "delete", "copy")


def local_file(size: int) -> str:
    """Name of the local file that the commands upload."""
    return f"/tmp/lakecheck-{size_label(size)}"


def make_local(size: int) -> str:
    """Command that makes the local file."""
    return f"head -c {size} /dev/urandom > {local_file(size)}"


def commands(
    case: Case,
    step: str,
    credentials: Mapping[str, Credential],
    run_id: str = "by-hand",
) -> list[str]:
    """The commands for one check, with whatever must come before it and the clean-up after.

    They are one shell script: what they need in the environment is exported first.
    """
    kind: Kind = registry.load("kinds", case.test.kind)
    if kind.repeat:
        return kind.repeat(case, step, credentials.get(case.credential, NOBODY))
    if case.endpoint is None or step not in STEPS:
        return []
    try:
        driver = resolve(case.driver, case.endpoint.scheme)
    except (LakecheckError, ImportError):
        return []  # the check's own error tells what is missing
    credential = credentials.get(case.credential, NOBODY)
    name = remote_name(run_id, case.address)
    url = f"{folder_url(case.endpoint)}/{name}"
    local, ca = local_file(case.size), case.endpoint.ca

    def tool(what: str, target: str, other: str) -> str:
        assert case.endpoint is not None
        mode, algorithm = case.mode or "pull", case.endpoint.algorithm
        return driver.tools(what, target, other, credential, ca, mode, algorithm)

    lines = [*_export(driver.environment(step, credential, ca)), make_local(case.size)]
    if case.source is not None:
        seed = f"{folder_url(case.source)}/{name}-seed"
        copy = tool("copy", url, seed)
        if case.asks:
            asking = credentials.get(case.asks, NOBODY)
            copy = repeat_fts.submit(case, seed, url, local, asking)
        return [*lines, *_copied(tool, seed, url, local, copy)]
    lines.append(tool("upload", url, local))
    if step not in ("upload", "delete"):
        lines.append(tool(step, url, f"{local}.back" if step == "download" else ""))
    return [*lines, tool("delete", url, "")]


def _copied(
    tool: Callable[[str, str, str], str], seed: str, url: str, local: str, copy: str
) -> list[str]:
    return [
        tool("upload", seed, local),
        copy,
        tool("delete", url, ""),
        tool("delete", seed, ""),
    ]


def _export(settings: Mapping[str, str]) -> list[str]:
    words = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
    return [" ".join(["export", *words])] if words else []
