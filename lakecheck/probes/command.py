"""Commands: any Nagios or Sensu plug-in, for every endpoint, for every RSE, or once."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from lakecheck import credentials
from lakecheck.model import (
    NO_DRIVER,
    RSE,
    Case,
    Credential,
    Endpoint,
    Field,
    Inventory,
    Kind,
    Step,
    Test,
    Traffic,
)
from lakecheck.plan import matrix
from lakecheck.spec.arguments import (
    ALWAYS,
    ATTRIBUTE,
    OF_ENDPOINT,
    OF_RSE,
    Argument,
    Arguments,
    fill,
    placeholders,
)
from lakecheck.spec.scalar_shapes import Text

STEP = "command"
ONCE = "once"
# Where systems have plug-ins, which no PATH names.
FOLDERS = (
    "/usr/lib/nagios/plugins",
    "/usr/lib64/nagios/plugins",
    "/usr/lib/monitoring-plugins",
    "/usr/local/libexec/nagios",
)
KEPT = ("HOME", "LANG", "TMPDIR", "TZ", "USER")  # of our own environment
VARIABLE = Text("the name of an environment variable", pattern=r"[A-Za-z_][A-Za-z0-9_]*")

Per = Literal["endpoint", "rse", "once"]


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Keys of a command."""

    run: Annotated[
        tuple[str, ...],
        Meta(
            extra={"shape": Arguments()},
            description="The program and its arguments, with placeholders such as {host}.",
        ),
    ]
    per: Annotated[
        Per | None,
        Meta(description="How often it runs: endpoint if it names any part of one, else rse."),
    ] = None
    protocols: Annotated[
        tuple[str, ...], Meta(description="Protocols of endpoints; all that an RSE has by default.")
    ] = ()
    credentials: Annotated[
        tuple[str, ...], Meta(description="Credentials to run it with; the RSE's own by default.")
    ] = ()
    environment: Annotated[
        dict[
            Annotated[str, Meta(extra={"shape": VARIABLE})],
            Annotated[str, Meta(extra={"shape": Argument("a value")})],
        ],
        Meta(description="Environment variables beside those that every command gets."),
    ] = {}

    def __post_init__(self) -> None:
        """Check that there is something to fill every placeholder with."""
        for name in self.names:
            of_endpoint = name in OF_ENDPOINT
            if name not in ALWAYS and (self.each == ONCE or (of_endpoint and self.each == "rse")):
                of, wanted = ("an endpoint", "endpoint") if of_endpoint else ("an RSE", "rse")
                told = f"{{{name}}} is of {of}, and per: {self.each} has none"
                raise ValueError(f"{told}; write per: {wanted}")
        if self.protocols and self.each != "endpoint":
            raise ValueError("protocols are for per: endpoint; leave the key out, or write that")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all placeholders."""
        texts = (*self.run, *self.environment.values())
        return tuple(dict.fromkeys(name for text in texts for name in placeholders(text)))

    @property
    def each(self) -> Per:
        """How often it runs."""
        if self.per is not None:
            return self.per
        return "endpoint" if self.protocols or set(self.names) & set(OF_ENDPOINT) else "rse"


def located(options: Options, folder: Path) -> Options:
    """See a program with a slash in its path from the spec's folder."""
    program = options.run[0]
    if "/" not in program or program.startswith("{"):
        return options
    path = os.path.abspath(folder / os.path.expanduser(program))
    return msgspec.structs.replace(options, run=(path, *options.run[1:]))


def cases(test: Test, inventory: Inventory) -> Iterator[Case]:
    """Every endpoint, or RSE, × credential; or just one."""
    options: Options = test.options
    if options.each == ONCE:
        nobody = RSE(name=ONCE, endpoints=())
        yield from _of(test, nobody, None)
        return
    for rse in matrix.rses(test, inventory):
        if options.each == "rse":
            yield from _of(test, rse, None)
            continue
        for endpoint in rse.endpoints:
            if matrix.wanted(endpoint, options.protocols):
                yield from _of(test, rse, endpoint)


def _of(test: Test, rse: RSE, endpoint: Endpoint | None) -> Iterator[Case]:
    options: Options = test.options
    place = f"{rse.name}.{endpoint.protocol}" if endpoint else rse.name
    values = {
        **{name: str(getattr(endpoint, name)) for name in OF_ENDPOINT if endpoint},
        **({"rse": rse.name} if options.each != ONCE else {}),
        **{f"{ATTRIBUTE}{name}": _text(value) for name, value in rse.attributes.items()},
        "ca": endpoint.ca if endpoint else next((end.ca for end in rse.endpoints), ""),
    }
    lacking = [name for name in options.names if name not in values and name != "proxy"]
    missing = ", ".join(name.removeprefix(ATTRIBUTE) for name in lacking)
    for credential, suffix in matrix.credentials(options.credentials, rse):
        yield Case(
            test=test,
            id=f"{place}{suffix}",
            place=rse.name,
            steps=(STEP,),
            endpoint=endpoint,
            credential=credential,
            driver=NO_DRIVER,
            skip=f"{rse.name} has no attribute {missing}" if missing else "",
            task=values,
        )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def traffic(case: Case) -> Traffic:
    """What a command moves, nobody knows."""
    return Traffic({}, {})


def arguments(case: Case, credential: Credential) -> list[str]:
    """Give the program and its arguments, all placeholders filled."""
    values = {**case.task, "proxy": credentials.place(credential)}
    return [fill(text, values) for text in case.test.options.run]


def environment(case: Case, credential: Credential) -> dict[str, str]:
    """Give all that a command gets in its environment; docs/commands-and-services.md lists it."""
    own = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {"LANG": "C.UTF-8", **own, "PATH": search_path(), **settings(case, credential)}


def search_path() -> str:
    """Give our own PATH, and the folders of plug-ins that there are."""
    folders = [folder for folder in FOLDERS if os.path.isdir(folder)]
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *folders])


def settings(case: Case, credential: Credential) -> dict[str, str]:
    """Give the variables that tell of the case: place, credential, trust, and the spec's own."""
    values: Mapping[str, str] = {**case.task, "proxy": credentials.place(credential)}
    ca = values["ca"]
    trust = (
        {"X509_CERT_DIR": ca} if os.path.isdir(ca) else {"X509_CERT_FILE": ca, "SSL_CERT_FILE": ca}
    )
    told = {
        "X509_USER_PROXY": values["proxy"],
        "BEARER_TOKEN_FILE": credential.token if credential.kind == "token" else "",
        **(trust if ca else {"X509_CERT_DIR": os.environ.get("X509_CERT_DIR", "")}),
        "LAKECHECK_RSE": values.get(OF_RSE[0], ""),
        "LAKECHECK_URL": values.get("url", ""),
        "LAKECHECK_TEST": case.test.name,
        "LAKECHECK_TIMEOUT": f"{case.test.timeout:g}",
    }
    own = {name: fill(text, values) for name, text in case.test.options.environment.items()}
    return {name: value for name, value in told.items() if value} | own


def repeat(case: Case, step: str, credential: Credential) -> list[str]:
    """Give the command as a shell takes it."""
    words = arguments(case, credential)
    words[0] = shutil.which(words[0], path=search_path()) or words[0]
    given = [f"{name}={value}" for name, value in settings(case, credential).items()]
    return [f"export {shlex.join(given)}", shlex.join(words)]


KIND = Kind(
    name="command",
    title="a Nagios or Sensu plug-in, for every endpoint or RSE, or once",
    options=Options,
    steps=(Step(STEP),),
    cases=cases,
    traffic=traffic,
    probe="lakecheck.probes.command_step:STEPS",
    driven=False,
    located=located,
    repeat=repeat,
    fields=(
        Field("exit", "long", "code with which the program ended"),
        Field("output", "text", "first line that it printed, without performance data"),
        Field("perfdata", "numbers", "its performance data by label, in seconds and bytes"),
    ),
)
