"""A GridFTP server."""

from __future__ import annotations

from lakecheck.devlake.layout import make_data_folder, make_run_folder
from lakecheck.devlake.server import Listener, Server, Site, Storage


def storage(site: Site, rse: str) -> Storage:
    """Write the configuration of the GridFTP RSE."""
    port = site.ports.take()
    data = make_data_folder(site.layout, site.account, rse) / "data"
    run = make_run_folder(site.layout, site.account, rse)
    log = site.layout.log(rse)
    config = site.layout.home / "cfg" / f"{rse}.conf"
    # No port_range: the kernel's own choice of data ports does not run out under load. No
    # threads, as sites run it: should the daemon crash, all sessions end with it.
    config.write_text(
        f"port {port}\n"
        "control_interface 127.0.0.1\n"
        "data_interface 127.0.0.1\n"
        f"log_single {log}\n"
        "log_level ERROR,WARN\n"
        "disable_usage_stats 1\n"
        f"restrict_paths {data}\n"
        "daemon 1\n"
    )
    server = Server(
        name=rse,
        rse=rse,
        program="globus-gridftp-server",
        argv=("globus-gridftp-server", "-c", str(config), "-pidfile", str(run / "pid")),
        listeners=(Listener(port, ("gsiftp",)),),
        folder=run,
        log=log,
        output=site.layout.output(rse),
        env={**site.environment(rse), **_security(site, rse)},
    )
    return Storage(
        name=rse,
        servers=(server,),
        endpoints={"gsiftp": f"gsiftp://127.0.0.1:{port}{data}"},
        data=(data,),
        credential="lake",
    )


def _security(site: Site, rse: str) -> dict[str, str]:
    certificate, key = site.layout.host(rse)
    return {
        "X509_USER_CERT": str(certificate),
        "X509_USER_KEY": str(key),
        "X509_CERT_DIR": str(site.layout.ca),
        "GRIDMAP": str(site.layout.home / "pki" / "grid-mapfile"),
        # Addresses in URLs are not names that reverse look-up must confirm.
        "GLOBUS_GSSAPI_NAME_COMPATIBILITY": "HYBRID",
    }
