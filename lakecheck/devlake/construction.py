"""Builds everything that a lake's servers need before the first one starts."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from lakecheck.devlake import apache, faults, gridftp, native, pki, redirector, xrootd
from lakecheck.devlake.account import Account, server_account
from lakecheck.devlake.layout import Layout, create, remove_run
from lakecheck.devlake.ports import reserve
from lakecheck.devlake.server import Site, Storage
from lakecheck.devlake.service import Service, ServiceKind
from lakecheck.devlake.services import kind_of
from lakecheck.devlake.shape import FaultChoice, Shape
from lakecheck.errors import LakecheckError

PROGRAMS = {
    "xrootd": ("xrootd-server xrootd-server-plugins xrootd-plugins", ("-v",)),
    "cmsd": ("xrootd-server", ()),
    "xrdfs": ("xrootd-client", ()),
    "xrdcp": ("xrootd-client", ()),
    "globus-gridftp-server": ("globus-gridftp-server-progs", ("--version",)),
    "apache2": ("apache2-bin", ("-v",)),
    "setpriv": ("util-linux", ()),
    "openssl": ("openssl", ()),
}
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Keys(Struct, frozen=True):
    """Every identity of a lake."""

    authority: pki.Identity
    host: pki.Identity
    user: pki.Identity
    strange_authority: pki.Identity  # nobody trusts it
    strange_host: pki.Identity


class Construction(Struct, frozen=True):
    """A lake ready to start."""

    shape: Shape
    site: Site
    storages: tuple[Storage, ...]
    versions: dict[str, str]
    keys: Keys
    services: tuple[Service, ...] = ()

    @property
    def layout(self) -> Layout:
        """The lake's folders."""
        return self.site.layout


def construct(folder: Path, shape: Shape) -> Construction:
    """Check what is installed, make keys, build libraries, write configurations."""
    programs = _programs(shape)
    kinds = [kind_of(name) for name in shape.services]
    beside = {program: package for kind in kinds for program, package in kind.programs.items()}
    require(programs, beside)
    account = server_account()
    with ThreadPoolExecutor() as pool:
        versions = pool.submit(_versions, programs)
        keys = pool.submit(_make_keys)
        libraries = pool.submit(lambda: native.build(versions.result()["xrootd"]))
        libraries.result()
        list(pool.map(lambda kind: kind.fetch(), kinds))
        ports = reserve(_port_count(shape), shape.port_base)
        layout = create(folder, account)
        try:
            site = Site(layout, account, ports, libraries.result(), shape.gsi)
            _write_pki(site, keys.result(), shape)
            _write_libraries(site)
            storages = _write_configurations(site, shape)
            services = _build_services(site, storages, kinds)
            found = versions.result() | {
                server.program: service.version
                for service in services
                for server in service.servers
            }
            return Construction(shape, site, storages, found, keys.result(), services)
        except BaseException:
            remove_run(layout)
            raise


def _write_configurations(site: Site, shape: Shape) -> tuple[Storage, ...]:
    for rse in shape.rses:
        faults.write_control(site.layout.control(rse), FaultChoice())
    storages = tuple(_builder(rse)(site, rse) for rse in shape.rses)
    for path in site.layout.home.joinpath("cfg").iterdir():
        path.chmod(0o644)
    return storages


def _build_services(
    site: Site, storages: tuple[Storage, ...], kinds: Iterable[ServiceKind]
) -> tuple[Service, ...]:
    built: dict[str, Service] = {}
    for kind in sorted(kinds, key=lambda kind: len(kind.needs)):
        built[kind.name] = kind.build(replace(site, storages=storages, services=built))
    return tuple(built.values())


def _builder(rse: str) -> Callable[[Site, str], Storage]:
    beside: dict[str, Callable[[Site, str], Storage]] = {
        "LAKE-REDIR": redirector.storage,
        "LAKE-GSIFTP": gridftp.storage,
        "LAKE-APACHE": apache.storage,
    }
    return beside.get(rse, xrootd.storage)


def _port_count(shape: Shape) -> int:
    return 2 * len(shape.rses) + 8 + sum(kind_of(name).ports for name in shape.services)


def _programs(shape: Shape) -> list[str]:
    left_out = set()
    if "LAKE-GSIFTP" not in shape.rses:
        left_out.add("globus-gridftp-server")
    if "LAKE-APACHE" not in shape.rses:
        left_out.add("apache2")
    if not shape.rses:
        left_out |= {"cmsd", "xrdfs", "xrdcp"}
    return [name for name in PROGRAMS if name not in left_out]


def require(programs: list[str], beside: Mapping[str, str] | None = None) -> None:
    """Name every missing program with the packages that bring them; raises LakecheckError."""
    path = os.environ.get("PATH", "") + ":" + SYSTEM_PATH
    wanted = {name: PROGRAMS[name][0] for name in programs} | dict(beside or {})
    missing = [name for name in wanted if shutil.which(name, path=path) is None]
    if missing:
        packages = dict.fromkeys(wanted[name] for name in missing)
        raise LakecheckError(
            f"the embedded lake needs {', '.join(missing)}; install: "
            f"apt-get install --no-install-recommends {' '.join(packages)}"
        )


def _versions(programs: list[str]) -> dict[str, str]:
    found = {}
    for name in programs:
        if options := PROGRAMS[name][1]:
            done = subprocess.run(
                [name, *options],
                capture_output=True,
                text=True,
                check=False,
                env={"PATH": SYSTEM_PATH},
            )
            match = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
            found[name] = match.group() if match else "unknown"
    return found


def _make_keys() -> Keys:
    authority = pki.make_authority("Embedded Lake CA")
    strange = pki.make_authority("A CA that nobody knows")
    return Keys(
        authority=authority,
        host=pki.make_host(authority),
        user=pki.make_user(authority, "Lake User"),
        strange_authority=strange,
        strange_host=pki.make_host(strange),
    )


def _write_pki(site: Site, keys: Keys, shape: Shape) -> None:
    layout, account, user = site.layout, site.account, keys.user
    pki.write_folder(keys.authority, layout.ca)
    pki.write_private(layout.proxy, pki.make_proxy(user), None)
    folder = layout.ca.parent
    pki.write_private(folder / "user.pem", user.certificate_pem, None)
    pki.write_private(folder / "user.key", user.key_pem, None)
    if site.gsi:
        stranger = pki.make_user(keys.authority, "Stranger")
        pki.write_private(folder / "stranger.pem", pki.make_proxy(stranger), None)
    (folder / "authdb").write_text(f"u {account.name} /data a\n")
    gridmap = folder / "grid-mapfile"
    gridmap.write_text(f'"{pki.subject_of(user.certificate)}" {account.name}\n')
    for rse in shape.rses:
        _write_rse_pki(site, keys, rse)
    for service in shape.services:
        layout.host(service)[0].parent.mkdir(mode=0o755)
        install_host(layout, account, service, keys.host)


def _write_rse_pki(site: Site, keys: Keys, rse: str) -> None:
    folder = site.layout.host(rse)[0].parent
    folder.mkdir(mode=0o755)
    install_host(site.layout, site.account, rse, keys.host)
    if site.gsi:
        # XrdMacaroons wants the secret wrapped.
        secret = base64.encodebytes(os.urandom(64))
        pki.write_private(folder / "macaroon-secret", secret, site.account.owner)
        # A server does not start with a certificate that it does not trust itself.
        pki.write_folder(keys.authority, folder / "certificates")
        pki.add_to_folder(keys.strange_authority, folder / "certificates")


def install_host(layout: Layout, account: Account, rse: str, host: pki.Identity) -> None:
    """Write the certificate and key with which an RSE's servers show themselves."""
    certificate, key = layout.host(rse)
    pki.write_private(key, host.key_pem, account.owner)
    pki.write_private(certificate, host.certificate_pem, account.owner)


# Where a destination reaches the source in the moment in which the client does, XRootD 5.5 loses
# the answer and says "tpc authorization expired" after 15 s; so the client is let go first.
_TPC_PROGRAM = """\
#!/bin/sh
sleep 0.2
exec /usr/bin/xrdcp --server "$@"
"""


def _write_libraries(site: Site) -> None:
    # The cache may lie in a home that the servers' account cannot enter.
    folder = site.layout.run / "lib"
    folder.mkdir(mode=0o755)
    for library in (site.libraries.checksum, site.libraries.fault):
        shutil.copy(library, folder / library.name)
        (folder / library.name).chmod(0o755)
    site.tpc_program.write_text(_TPC_PROGRAM)
    site.tpc_program.chmod(0o755)
