"""Mistakes in tests of kinds `command` and `service`: each with its exact sentence."""

from __future__ import annotations

import pytest

from lakecheck.model import Spec
from tests.spec.conftest import Faults, Write

HEAD = """\
lakecheck: 1
inventory:
  rses:
    CERN: {endpoints: ["davs://c.cern.ch:443/x"]}
    DESY: {endpoints: ["root://d.desy.de:1094//y"], attributes: {tier: 1, country: DE}}
credentials: {robot: {x509: {proxy: /p}}}
services: {fts: {kind: fts, url: "https://fts.example.org:8446"}}
tests:
"""
PLACEHOLDERS = "rse, url, scheme, host, port, path, protocol, proxy, attribute.NAME"
PROGRAM = "a list of a program and its arguments"

COMMANDS = {  # what follows `a: {kind: command, `, from column 22 on
    "nothing to run": ("", '6: a: the key "run" is missing; expected ' + PROGRAM),
    "a line for a shell": (
        "run: 'check_tcp -H {host}'",
        f'27: a.run: expected {PROGRAM}, found "check_tcp -H {{host}}"; no shell takes it apart, '
        'so write [check_tcp, -H, "{host}"]',
    ),
    "no program": ("run: []", f"27: a.run: expected {PROGRAM}; there is no program"),
    "an empty program": ('run: [""]', f"27: a.run: expected {PROGRAM}; there is no program"),
    "braces without quotes": (
        "run: [ping, {host}]",
        '34: a.run[1]: expected an argument, found a map; put it in quotes: "{host}"',
    ),
    "a list": ("run: [ping, [a]]", "34: a.run[1]: expected an argument, found a list"),
    "nothing": ("run: [ping, ~]", "34: a.run[1]: expected an argument, found nothing"),
    "misspelt": (
        'run: [ping, "{hosst}"]',
        '34: a.run[1]: there is no placeholder "hosst"; did you mean "host"?',
    ),
    "unknown": (
        'run: [ping, "{size}"]',
        f'34: a.run[1]: there is no placeholder "size"; there are {PLACEHOLDERS}',
    ),
    "misspelt attribute": (
        'run: [ping, "{attribute.contry}"]',
        '34: a.run[1]: there is no attribute "contry"; did you mean "country"?',
    ),
    "a lonely brace": (
        'run: [ping, "a}"]',
        '34: a.run[1]: "a}": write a brace that means itself twice, }}',
    ),
    "a variable": (
        'run: [ping, "${HOST}"]',
        '34: a.run[1]: "${HOST}": environment variables are taken only in values of '
        "credentials, services, publish and actions",
    ),
    "NUL": (
        'run: [ping, "a\\0"]',
        "34: a.run[1]: no argument of a program can hold the character NUL",
    ),
    "per what": (
        "run: [ping], per: site",
        '40: a.per: expected one of endpoint, rse, once, found "site"',
    ),
    "no endpoint": (
        'run: [ping, "{host}"], per: rse',
        "6: a: {host} is of an endpoint, and per: rse has none; write per: endpoint",
    ),
    "no RSE": (
        'run: [ping, "{rse}"], per: once',
        "6: a: {rse} is of an RSE, and per: once has none; write per: rse",
    ),
    "protocols of nothing": (
        "run: [ping], per: rse, protocols: [davs]",
        "6: a: protocols are for per: endpoint; leave the key out, or write that",
    ),
    "a variable's name": (
        "run: [ping], environment: {a-b: c}",
        '49: a.environment: expected the name of an environment variable, found "a-b"',
    ),
    "a variable's value": (
        'run: [ping], environment: {A: "{hots}"}',
        '52: a.environment.A: there is no placeholder "hots"; did you mean "host"?',
    ),
    "a field that it has not": (
        'run: [ping], expect: ["command.exot == 0"]',
        '44: a.expect[0]: "command.exot == 0" is not a condition: documents have no field '
        '"command.exot"; did you mean "command.exit"?',
    ),
    "another key": (
        "run: [ping], sizes: [1MB]",
        '35: a: unknown key "sizes"; known here: kind, on, every, timeout, driver, expect, '
        "allow_empty, run, per, protocols, credentials, environment",
    ),
}
SERVICES = {  # what follows `a: {kind: service, `, from column 22 on
    "misspelt service": (
        "of: [ftss]",
        '27: a.of[0]: there is no service "ftss"; did you mean "fts"?',
    ),
    "no service": ("of: [direct]", '27: a.of[0]: there is no service "direct"; there are fts'),
    "no URL": (
        "urls: {iam: ftp://iam}",
        '34: a.urls.iam: expected a URL such as https://iam.example.org/health, found "ftp://iam"',
    ),
    "a user in a URL": (
        'urls: {iam: {url: "https://me:secret@iam"}}',
        "40: a.urls.iam.url: expected a URL such as https://iam.example.org/health, "
        'found "https://***@iam"',
    ),
    "a name": (
        'urls: {"a b": "https://iam"}',
        '29: a.urls: expected a name, found "a b"',
    ),
    "no condition": (
        'urls: {iam: {url: "https://iam", version: new}}',
        '34: a.urls.iam: version: "new" is no condition on a version; '
        "write for instance >=1.8 or >=1.8,<3",
    ),
    "no status": (
        'urls: {iam: {url: "https://iam", status: [20]}}',
        "34: a.urls.iam: status: 20 is no HTTP status",
    ),
    "no unit": (
        "certificate: 14",
        "35: a.certificate: 14 has no unit; write a duration, such as 14s",
    ),
    "heartbeats of what": (
        "heartbeats: {}",
        '34: a.heartbeats: the key "older_than" is missing; expected a duration',
    ),
    "heartbeats of nothing": (
        "heartbeats: {older_than: 15m}",
        "3: a.heartbeats: no service that it asks has daemons, as one of kind rucio has; ask such "
        "a service, or leave the key out",
    ),
    "protocols of nothing": (
        "protocols: [davs]",
        "6: a: protocols are for endpoints: true; leave the key out, or write that",
    ),
    "one name for two": (
        'of: [fts], urls: {fts: "https://iam"}',
        '6: a: "fts" stands in of: and in urls:; choose another name',
    ),
    "nothing": (
        "of: []",
        "3: a: it selects nothing: there are neither services nor URLs, nor RSEs with "
        "endpoints: true; write allow_empty: true if it may",
    ),
}
TABLE = [
    *(pytest.param("command", *row, id=f"command-{name}") for name, row in COMMANDS.items()),
    *(pytest.param("service", *row, id=f"service-{name}") for name, row in SERVICES.items()),
]


@pytest.mark.parametrize(("kind", "text", "message"), TABLE)
def test_one_mistake_one_sentence(kind: str, text: str, message: str, faults: Faults) -> None:
    assert faults(f"{HEAD}  a: {{kind: {kind}, {text}}}\n") == [
        f"a.lake.yaml:9:{message.partition(': ')[0]}: tests.{message.partition(': ')[2]}"
    ]


def test_arguments_are_taken_as_they_are_written(spec: Write) -> None:
    text = 'run: [./x, -w, 1, -c, 0x10, -v, -v, true, 1.50, "{{a}}", NO]'

    found: Spec = spec(f"{HEAD}  a: {{kind: command, {text}}}\n")

    program, *words = found.tests["a"].options.run
    assert program.endswith("/x")
    assert program.startswith("/")
    assert words == ["-w", "1", "-c", "0x10", "-v", "-v", "true", "1.50", "{{a}}", "NO"]


def test_tokens_are_for_commands_too(spec: Write) -> None:
    head = HEAD.replace("{robot:", "{iam: {token: {file: /t}}, robot:")

    found = spec(f"{head}  a: {{kind: command, run: [x], credentials: [iam, robot]}}\n")

    assert list(found.tests) == ["a"]


def test_credentials_that_nothing_uses_need_no_variable(spec: Write) -> None:
    head = HEAD.replace("/p", '"${NOT_SET}"').replace('443/x"]', '443/x"], credential: robot')

    found = spec(f"{head}  a: {{kind: command, run: [x], per: once}}\n  b: {{kind: service}}\n")

    assert list(found.tests) == ["a", "b"]


def test_a_variable_of_a_credential_in_use_is_missed(faults: Faults) -> None:
    head = HEAD.replace("/p", '"${NOT_SET}"').replace('8446"', '8446", credential: robot')

    (told,) = faults(f"{head}  b: {{kind: service}}\n")

    assert "NOT_SET is not set, and tests.b needs it" in told


def test_schemes_that_no_driver_speaks_are_for_commands(spec: Write) -> None:
    head = HEAD.replace("root://d.desy.de:1094//y", "s3://s3.desy.de:443/bucket")

    assert spec(f'{head}  a: {{kind: command, run: [x, "{{url}}"]}}\n').tests


def test_services_of_a_test(spec: Write) -> None:
    head = HEAD.replace("services: {", "services: {two: {kind: fts, url: 'https://f'}, ")

    found = spec(
        f"{head}  a: {{kind: service}}\n  b: {{kind: service, of: [fts]}}\n"
        "  c: {kind: functional, driver: memory}\n"
    )

    asked = {name: list(test.services) for name, test in found.tests.items()}
    assert asked == {"a": ["two", "fts"], "b": ["fts"], "c": []}
