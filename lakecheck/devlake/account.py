"""The account under which the servers run: an unprivileged one, also when root starts them."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from msgspec import Struct

from lakecheck.errors import LakecheckError


class Account(Struct, frozen=True):
    """A user and group; `switch` says whether a server has to change to it."""

    uid: int
    gid: int
    name: str
    switch: bool

    @property
    def owner(self) -> tuple[int, int] | None:
        """Whom files must be given to, or None where they are ours already."""
        return (self.uid, self.gid) if self.switch else None

    def own(self, path: Path, *, tree: bool = False) -> None:
        """Give a path, or all below it as well, to this account."""
        if not self.switch:
            return
        os.chown(path, self.uid, self.gid)
        for below in path.rglob("*") if tree else ():
            os.chown(below, self.uid, self.gid, follow_symlinks=False)

    def prefix(self) -> list[str]:
        """Give the command that starts a server as this account and bound to its parent's life."""
        command = ["setpriv", "--pdeathsig", "KILL"]
        if self.switch:
            command += ["--reuid", str(self.uid), "--regid", str(self.gid), "--clear-groups"]
        return command

    def reaches(self, folder: Path) -> bool:
        """Say whether this account can enter a folder."""
        if not self.switch:
            return True
        return all(_enters(self, above.stat()) for above in (folder, *folder.parents))


def _enters(account: Account, st: os.stat_result) -> bool:
    if st.st_uid == account.uid:
        return bool(st.st_mode & 0o100)
    if st.st_gid == account.gid:
        return bool(st.st_mode & 0o010)
    return bool(st.st_mode & 0o001)


def server_account() -> Account:
    """Choose who runs the servers: the caller, or `xrootd` or `nobody` where root calls."""
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
        return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, switch=False)
    for name in ("xrootd", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, switch=True)
    raise LakecheckError("XRootD refuses to run as root, and there is no user xrootd or nobody")
