"""The sections of the spec language, as annotated structs; schema and decoding follow them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from lakecheck.model import DriverChoice, Mode, Scalar
from lakecheck.spec.addresses import AddressShape
from lakecheck.spec.drivers import DriverShape
from lakecheck.spec.endpoints import EndpointShape, EndpointURL
from lakecheck.spec.names import CredentialName
from lakecheck.spec.scalar_shapes import ScalarShape, Text
from lakecheck.spec.selection import ExpressionShape
from lakecheck.units import Duration

VERSION = 1
NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"
CONDITION = "a condition, such as duration < 10m"
ATTRIBUTE_SHAPE = Text("the name of an attribute, such as country", pattern=r"[A-Za-z0-9._-]+")

PLANNED_SECTIONS = ("budget", "policies", "actions", "archive", "defaults")

SERVICE_URL = Text(
    "a URL such as https://fts.example.org:8446",
    pattern=r"(https?://[^\s/?#@]+(/[^\s?#@]*)?|\$\{\w+\}[^\s?#@]*)",
)
Address = Annotated[str, Meta(extra={"shape": AddressShape()})]
Driver = Annotated[DriverChoice, Meta(extra={"shape": DriverShape()})]


class HostPair(Struct, frozen=True):
    """A host's addresses by IP version."""

    ipv4: str = ""
    ipv6: str = ""


class RSEEntry(Struct, frozen=True):
    """One entry of `inventory.rses`; without endpoints it changes what a catalogue says."""

    endpoints: Annotated[
        tuple[Annotated[EndpointURL, Meta(extra={"shape": EndpointShape()})], ...],
        Meta(min_length=1, description="Ways into the RSE: scheme://host:port/prefix."),
    ] = ()
    attributes: Annotated[
        dict[
            Annotated[str, Meta(extra={"shape": ATTRIBUTE_SHAPE})],
            Annotated[Scalar, Meta(extra={"shape": ScalarShape()})],
        ],
        Meta(description="What `on:` can select by, such as country or tier."),
    ] = {}
    hosts: Annotated[
        dict[str, str | HostPair], Meta(description="Hosts for network tests, by role.")
    ] = {}
    credential: Annotated[
        CredentialName, Meta(description="Credential for tests that name none.")
    ] = "none"
    checksum: Annotated[
        Literal["auto", "adler32", "md5", "none"],
        Meta(description="Checksum that the storage offers; none: content is compared."),
    ] = "auto"
    tpc: Annotated[
        tuple[Mode, ...] | Literal["none"],
        Meta(description="Roles in third-party copies that the storage can play."),
    ] = ("pull", "push")
    driver: Annotated[
        Driver | None, Meta(description="Driver for this RSE, whatever the test says.")
    ] = None


class CatalogueEntry(Struct, frozen=True, kw_only=True):
    """The keys that every catalogue of `inventory` has."""

    lock: Annotated[
        str, Meta(description="Copy that is planned from; CATALOGUE.lock.json if not given.")
    ] = ""
    refresh: Annotated[
        Duration, Meta(description="How old the copy may become while lakecheck goes on running.")
    ] = Duration(600)
    frozen: Annotated[
        bool, Meta(description="Whether runs keep to the copy, and never read the catalogue.")
    ] = False
    ca: Annotated[str, Meta(description="CA folder or bundle for the catalogue's own server.")] = ""
    timeout: Annotated[Duration, Meta(description="How long reading it may take.")] = Duration(30)

    @property
    def address(self) -> str:
        """Where the catalogue is read: a URL, or a path as written."""
        raise NotImplementedError


class URLEntry(CatalogueEntry, frozen=True, kw_only=True):
    """`inventory.cric` or `inventory.fts_config`."""

    url: Annotated[Address, Meta(description="URL or file of the catalogue.")]

    @property
    def address(self) -> str:
        """Where the catalogue is read: a URL, or a path as written."""
        return self.url


class RucioEntry(CatalogueEntry, frozen=True, kw_only=True):
    """`inventory.rucio`: a server, in `services` or told here, or what it exported."""

    service: Annotated[str, Meta(description="The Rucio in services: that is asked.")] = ""
    export: Annotated[Address, Meta(description="URL or file of what `export_data` gave.")] = ""
    url: Annotated[
        str, Meta(extra={"shape": SERVICE_URL}, description="A Rucio that stands in no services:.")
    ] = ""
    auth: Annotated[
        str,
        Meta(
            extra={"shape": SERVICE_URL},
            description="With url: its authentication server; the same if not given.",
        ),
    ] = ""
    account: Annotated[str, Meta(description="With url: account to act as.")] = ""
    vo: Annotated[str, Meta(description="With url: VO, where one Rucio serves several.")] = ""
    credential: Annotated[CredentialName, Meta(description="With url: who we are there.")] = "none"

    def __post_init__(self) -> None:
        """Check that it says one thing."""
        given = [name for name in ("service", "export", "url") if getattr(self, name)]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"expected one of service, export, url; found {found}")
        own = [name for name in ("auth", "account", "vo") if getattr(self, name)]
        own += ["credential"] if self.credential != "none" else []
        if own and not self.url:
            told = "are for url; a service has its own" if self.service else "are for url"
            raise ValueError(f"{', '.join(own)} {told}")

    @property
    def address(self) -> str:
        """Where the catalogue is read: a URL, or a path as written."""
        return self.export or self.url or self.service


# In the order in which they count: where two know an RSE, the first one's attributes hold.
CATALOGUES: dict[str, type[URLEntry] | type[RucioEntry]] = {
    "cric": URLEntry,
    "rucio": RucioEntry,
    "fts_config": URLEntry,
}
RSE_GLOB = Text("an RSE, or a glob such as OLD-*", pattern=r"[A-Za-z0-9_*-]+")
INVENTORY = ("ca", *CATALOGUES, "rses", "except")


class X509Entry(Struct, frozen=True):
    """Where an X.509 proxy is found."""

    proxy: Annotated[str, Meta(description="Path of the proxy file; ${NAME} is taken.")]


class TokenEntry(Struct, frozen=True):
    """Where a bearer token is found."""

    file: Annotated[str, Meta(description="Path of the token's file; ${NAME} is taken.")]


class UserEntry(Struct, frozen=True):
    """A user with a password, for services."""

    username: str
    password: Annotated[str, Meta(description="Better ${NAME} than the password itself.")]


class CredentialEntry(Struct, frozen=True):
    """One entry of `credentials`; exactly one of its keys is given."""

    x509: Annotated[X509Entry | None, Meta(description="An X.509 proxy.")] = None
    token: Annotated[TokenEntry | None, Meta(description="A bearer token, for services.")] = None
    userpass: Annotated[
        UserEntry | None, Meta(description="A user name and a password, for services.")
    ] = None

    def __post_init__(self) -> None:
        """Check that it says one thing."""
        given = [name for name in self.__struct_fields__ if getattr(self, name)]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"expected one of x509, token, userpass; found {found}")


class ServiceEntry(Struct, frozen=True):
    """The keys that services of every kind have."""

    url: Annotated[
        str, Meta(extra={"shape": SERVICE_URL}, description="Where it is asked: https://host:port.")
    ]
    credential: Annotated[
        CredentialName, Meta(description="Credential that it is asked with, where a test has none.")
    ] = "none"
    ca: Annotated[str, Meta(description="CA folder or bundle for its own server.")] = ""


class TestEntry(Struct, frozen=True):
    """The keys that tests of every kind have."""

    on: Annotated[
        str,
        Meta(extra={"shape": ExpressionShape()}, description="Which RSEs: a Rucio RSE expression."),
    ] = "*"
    every: Annotated[Duration | None, Meta(description="How often it is due.")] = None
    timeout: Annotated[
        Duration | None,
        Meta(description="A whole case's budget; 60s by default, and 1h through FTS or Rucio."),
    ] = None
    driver: Annotated[Driver, Meta(description="gfal2, native, or any other installed driver.")] = (
        DriverChoice()
    )
    expect: Annotated[
        tuple[Annotated[str, Meta(extra={"shape": Text(CONDITION)})], ...],
        Meta(description="Conditions that results must meet, such as `duration < 10m`."),
    ] = ()
    allow_empty: Annotated[
        bool, Meta(description="Whether the test may select nothing at all.")
    ] = False

    __test__ = False
