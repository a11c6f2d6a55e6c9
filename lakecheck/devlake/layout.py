"""Where a lake keeps its things."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from msgspec import Struct

from lakecheck.devlake.account import Account
from lakecheck.errors import UsageError

INVENTORY = "inventory.lake.yaml"
STATE = "lake.json"
ENVIRONMENT = "env"
LOG = "supervisor.log"
RUN_PREFIX = "lakecheck-lake-"


_PARTS = ("pki", "cfg", "log", "data")


class Layout(Struct, frozen=True):
    """Folders of one lake: what users see, what servers need, and what must have a short path."""

    folder: Path  # inventory, lake.json, env and the supervisor's log
    home: Path  # pki, configuration, logs and data; mostly the same
    run: Path  # sockets, whose paths may have 107 characters at most

    @property
    def ca(self) -> Path:
        """The CA folder."""
        return self.home / "pki" / "certificates"

    @property
    def proxy(self) -> Path:
        """The user's proxy file."""
        return self.home / "pki" / "proxy.pem"

    @property
    def control_socket(self) -> Path:
        """Where the supervisor takes orders."""
        return self.run / "control.sock"

    def data(self, rse: str) -> Path:
        """Give the folder below which all files of an RSE lie."""
        return self.home / "data" / rse

    def control(self, rse: str) -> Path:
        """Give the file that tells an RSE's servers how to misbehave."""
        return self.run / f"{rse}.fault"

    def host(self, rse: str) -> tuple[Path, Path]:
        """Give the host certificate and key of an RSE's servers."""
        return self.home / "pki" / rse / "host.pem", self.home / "pki" / rse / "host.key"

    def log(self, server: str) -> Path:
        """Give a server's log."""
        return self.home / "log" / f"{server}.log"

    def output(self, server: str) -> Path:
        """Give the file for what a server prints beside its log."""
        return self.home / "log" / f"{server}.out"


def refuse_strangers_folder(folder: Path) -> None:
    """Raise UsageError where a lake would have to remove what is not its own."""
    if not (folder / LOG).exists():
        for name in _PARTS:
            if os.path.lexists(folder / name):
                raise UsageError(
                    f"no lake can be kept in {folder}: {folder / name} is there and no lake made "
                    "it; choose an empty folder, or one that does not exist yet"
                )


def create(folder: Path, account: Account) -> Layout:
    """Make the folders, where the servers' account can reach them."""
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    # Sockets' paths are short; and TMPDIR may lie in a place that servers cannot enter.
    run = Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir="/tmp"))
    os.chmod(run, 0o755)
    (run / "tmp").mkdir()
    account.own(run / "tmp")
    home = folder if account.reaches(folder) else run / "home"
    layout = Layout(folder, home, run)
    for name in _PARTS:
        shutil.rmtree(home / name, ignore_errors=True)
        (home / name).mkdir(parents=True)
        os.chmod(home / name, 0o755)
    account.own(home / "log")
    return layout


def make_data_folder(layout: Layout, account: Account, *parts: str) -> Path:
    """Make a folder below `data` with its `data` inside, owned by the servers' account."""
    folder = layout.home.joinpath("data", *parts)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for path in (folder / "data", folder, *folder.parents):
        if path == layout.home / "data":
            break
        os.chmod(path, 0o755)
        account.own(path)
    return folder


def make_run_folder(layout: Layout, account: Account, server: str) -> Path:
    """Make the folder of a server's sockets, pid files and crash dumps."""
    folder = layout.run / server
    folder.mkdir()
    account.own(folder)
    return folder


def remove_run(layout: Layout) -> None:
    """Remove what was outside the lake's folder."""
    shutil.rmtree(layout.run, ignore_errors=True)


def clear(folder: Path, home: Path, run: Path) -> None:
    """Remove all of a lake but its logs."""
    if home != folder and folder.exists():
        with contextlib.suppress(OSError, shutil.Error):
            shutil.copytree(home / "log", folder / "log", dirs_exist_ok=True)
    for name in (STATE, INVENTORY, ENVIRONMENT):
        (folder / name).unlink(missing_ok=True)
    for name in ("pki", "cfg", "data"):
        shutil.rmtree(home / name, ignore_errors=True)
    if run.name.startswith(RUN_PREFIX):  # whatever a damaged lake.json says
        shutil.rmtree(run, ignore_errors=True)
