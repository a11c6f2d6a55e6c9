"""A redirecting RSE: an XRootD manager and two data servers behind it."""

from __future__ import annotations

from lakecheck.devlake.layout import make_data_folder
from lakecheck.devlake.server import Listener, Server, Site, Storage
from lakecheck.devlake.xrootd import common, secured, start_with, storing

DATA_SERVERS = 2


def storage(site: Site, rse: str) -> Storage:
    """Write the configuration of manager and data servers."""
    port, cms = site.ports.take(), site.ports.take()
    servers = _manager(site, rse, port, cms)
    folders = []
    for number in range(1, DATA_SERVERS + 1):
        node = f"{rse}-{number}"
        data = make_data_folder(site.layout, site.account, rse, str(number))
        servers += _data_server(site, rse, node, cms, str(data))
        folders.append(data / "data")
    return Storage(
        name=rse,
        servers=tuple(servers),
        endpoints={
            "root": f"root://127.0.0.1:{port}//data",
            "davs": f"davs://127.0.0.1:{port}/data",
        },
        data=tuple(folders),
        credential="lake" if site.gsi else "none",
        ready=("xrdfs", f"root://127.0.0.1:{port}", "locate", "*"),
        data_servers=DATA_SERVERS,
    )


def _manager(site: Site, rse: str, port: int, cms: int) -> list[Server]:
    node = f"{rse}-manager"
    lines = [
        "all.role manager",
        f"all.manager 127.0.0.1:{cms}",
        *common(site, rse, node),
        f"xrd.port {port}",
        "if exec cmsd",
        f"xrd.port {cms}",
        "fi",
        # `servers 2` would suspend the whole cluster when one of two dies.
        "cms.delay startup 1 lookup 1 servers 1 drop 10s",
        "cms.allow host *",
        "if exec xrootd",
        *secured(site, rse),
        "xrootd.chksum max 8 adler32 md5",
        # A redirect carries the port that the data server's cmsd announced, which is the one
        # of root, so https is spoken there too.
        f"xrd.protocol http:{port} libXrdHttp.so",
        "http.desthttps yes",
        "http.selfhttps2http no",
        "http.exthandler xrdtpc libXrdHttpTPC.so",
        "http.header2cgi Authorization authz",
        "http.listingdeny no",
        "fi",
    ]
    cluster = start_with(site, "cmsd", rse, node, lines, (Listener(cms, ("cms",)),))
    listeners = (Listener(port, ("root", "https")),)
    return [cluster, start_with(site, "xrootd", rse, node, None, listeners, cluster.name)]


def _data_server(site: Site, rse: str, node: str, cms: int, data: str) -> list[Server]:
    port = site.ports.take()
    lines = [
        "all.role server",
        f"all.manager 127.0.0.1:{cms}",
        *common(site, rse, node),
        f"xrd.port {port}",
        f"oss.localroot {data}",
        "if exec xrootd",
        *storing(site, rse, port),
        "fi",
    ]
    # A data server's cmsd that finds no manager asks again only after 42 s, and an xrootd that
    # does not find its cmsd after 10 s.
    admin = site.layout.run / node / node / ".olb" / "olbd.admin"
    manager, listeners = f"{rse}-manager-cmsd", (Listener(port, ("root", "https")),)
    cluster = start_with(site, "cmsd", rse, node, lines, (), manager, str(admin))
    return [cluster, start_with(site, "xrootd", rse, node, None, listeners, cluster.name)]
