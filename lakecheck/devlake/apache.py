"""An Apache server with mod_dav: plain WebDAV, without checksums and third-party copies."""

from __future__ import annotations

from lakecheck.devlake.layout import make_data_folder, make_run_folder
from lakecheck.devlake.server import Listener, Server, Site, Storage

_MODULES = (
    "mpm_event",
    "authz_core",
    "authz_host",
    "authn_core",
    "alias",
    "ssl",
    "socache_shmcb",
    "dav",
    "dav_fs",
)


def storage(site: Site, rse: str) -> Storage:
    """Write the configuration of the Apache RSE."""
    port = site.ports.take()
    folder = make_data_folder(site.layout, site.account, rse)
    run = make_run_folder(site.layout, site.account, rse)
    log = site.layout.log(rse)
    config = site.layout.home / "cfg" / f"{rse}.conf"
    config.write_text("\n".join(_lines(site, rse, port, str(folder), str(run), str(log))) + "\n")
    server = Server(
        name=rse,
        rse=rse,
        program="apache2",
        # -X: one process in the foreground.
        argv=("apache2", "-X", "-d", str(run), "-f", str(config)),
        listeners=(Listener(port, ("https",)),),
        folder=run,
        log=log,
        output=site.layout.output(rse),
        env=site.environment(rse),
    )
    return Storage(
        name=rse,
        servers=(server,),
        endpoints={"davs": f"davs://127.0.0.1:{port}/data"},
        data=(folder / "data",),
        checksum="none",
        tpc=(),
    )


def _lines(site: Site, rse: str, port: int, folder: str, run: str, log: str) -> list[str]:
    certificate, key = site.layout.host(rse)
    modules = "/usr/lib/apache2/modules"
    return [
        *(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in _MODULES),
        f"Listen 127.0.0.1:{port}",
        "ServerName localhost",
        f'PidFile "{run}/pid"',
        f'DefaultRuntimeDir "{run}"',
        f'ErrorLog "{log}"',
        "LogLevel warn",
        "Mutex pthread",
        "ServerLimit 1",
        "ThreadLimit 128",
        "ThreadsPerChild 128",
        "MaxRequestWorkers 128",
        "KeepAlive On",
        "MaxKeepAliveRequests 0",
        # Data goes through read() and write(), where faults reach it.
        "EnableSendfile Off",
        "EnableMMAP Off",
        f'SSLSessionCache "shmcb:{run}/ssl(512000)"',
        f'DavLockDB "{run}/locks"',
        f'DocumentRoot "{folder}"',
        "SSLEngine on",
        f'SSLCertificateFile "{certificate}"',
        f'SSLCertificateKeyFile "{key}"',
        "<Directory />",
        "  Require all denied",
        "</Directory>",
        f'<Directory "{folder}">',
        "  Require all granted",
        "  AllowOverride None",
        "</Directory>",
        "<Location /data>",
        "  Dav On",
        "</Location>",
    ]
