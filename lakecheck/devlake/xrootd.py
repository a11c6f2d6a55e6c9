"""XRootD servers: root:// and davs:// on the same files."""

from __future__ import annotations

from pathlib import Path

from lakecheck.devlake.layout import make_data_folder, make_run_folder
from lakecheck.devlake.server import Listener, Server, Site, Storage


def storage(site: Site, rse: str) -> Storage:
    """Write the configuration of one XRootD RSE."""
    root, https = site.ports.take(), site.ports.take()
    data = make_data_folder(site.layout, site.account, rse)
    lines = [
        "all.role server",
        *common(site, rse, rse),
        f"oss.localroot {data}",
        f"xrd.port {root}",
        *storing(site, rse, https),
    ]
    server = start_with(
        site, "xrootd", rse, rse, lines, (Listener(root, ("root",)), Listener(https, ("https",)))
    )
    return Storage(
        name=rse,
        servers=(server,),
        endpoints={
            "root": f"root://127.0.0.1:{root}//data",
            "davs": f"davs://127.0.0.1:{https}/data",
        },
        data=(data / "data",),
        credential="lake" if site.gsi else "none",
    )


def common(site: Site, rse: str, node: str) -> list[str]:
    """Give the lines of every XRootD or cluster daemon; `node` names its own folders."""
    run = make_run_folder(site.layout, site.account, node)
    certificate, key = site.layout.host(rse)
    return [
        "all.export /data",
        f"all.adminpath {run}",
        f"all.pidpath {run}",
        f"all.sitename {rse}",
        "xrd.allow host localhost",
        "xrd.allow host 127.0.0.1",
        "xrd.network nodnr",
        f"xrd.tls {certificate} {key}",
        f"xrd.tlsca certdir {site.layout.ca}",
    ]


def storing(site: Site, rse: str, https: int) -> list[str]:
    """Give the lines of a server that keeps files: checksums, https, third-party copies."""
    credentials = "fcreds gsi =X509_USER_PROXY " if site.gsi else ""
    return [
        *secured(site, rse),
        f"ofs.ckslib ++ {site.checksum_plugin()}",
        "xrootd.chksum max 8 adler32 md5",
        # Otherwise reads go through the C library's own threads, where faults do not reach.
        "xrootd.async off",
        f"xrd.protocol http:{https} libXrdHttp.so",
        "http.exthandler xrdtpc libXrdHttpTPC.so",
        "http.header2cgi Authorization authz",
        "http.listingdeny no",
        "http.selfhttps2http no",
        f"ofs.tpc {credentials}streams 4 autorm pgm {site.tpc_program}",
    ]


def secured(site: Site, rse: str) -> list[str]:
    """Give the lines that demand X.509 on root:// (GSI) and https, where the lake has it.

    Third-party copies over https ask for macaroons first, so the server issues them.
    """
    if not site.gsi:
        return []
    pki = site.layout.ca.parent
    certificate, key = site.layout.host(rse)
    return [
        "xrootd.seclib libXrdSec.so",
        f"sec.protocol gsi -certdir:{certificate.parent}/certificates"
        f" -cert:{certificate} -key:{key} -crl:0"
        f" -gridmap:{pki}/grid-mapfile -gmapopt:trymap"
        # `-dlgpxy:1` would be read as: ignore.
        " -dlgpxy:request -exppxy:=creds -vomsat:0 -trustdns:1",
        "sec.protbind * only gsi",
        f"http.gridmap {pki}/grid-mapfile",
        "http.exthandler xrdmacaroons libXrdMacaroons.so",
        f"macaroons.secretkey {certificate.parent}/macaroon-secret",
        "macaroons.maxduration 86400",
        f"acc.authdb {pki}/authdb",
        "acc.authrefresh 60",
        "ofs.authorize 1",
        "ofs.authlib libXrdMacaroons.so",
    ]


def start_with(
    site: Site,
    program: str,
    rse: str,
    node: str,
    lines: list[str] | None,
    listeners: tuple[Listener, ...],
    after: str = "",
    socket: str = "",
) -> Server:
    """Write a node's file (unless both of its daemons share one) and give the command for it."""
    config = Path(site.layout.home, "cfg", f"{node}.cfg")
    if lines is not None:
        config.write_text("\n".join(lines) + "\n")
    name = node if program == "xrootd" else f"{node}-{program}"
    log = site.layout.log(name)
    # Without -b it stays our child, so its end is seen at once.
    argv = [program, "-I", "v4", "-n", node, "-w", str(site.layout.run / node)]
    pid = site.layout.run / node / f"{program}.pid"
    argv += ["-c", str(config), "-l", str(log), "-s", str(pid)]
    return Server(
        name=name,
        rse=rse,
        program=program,
        argv=tuple(argv),
        listeners=listeners,
        folder=site.layout.run / node,
        log=log.parent / node / log.name,  # XRootD puts a folder per -n name in between
        output=site.layout.output(name),
        env=site.environment(rse),
        socket=socket,
        after=after,
    )
