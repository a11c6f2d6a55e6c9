"""Mistakes in inventories and credentials: each with its exact sentence."""

from __future__ import annotations

import pytest

from tests.spec.conftest import Faults

HEAD = "lakecheck: 1\ninventory:\n  rses:\n"
FORM = "scheme://host:port/prefix"

RSES = {
    "no port": (
        "{endpoints: ['davs://dcache.desy.de/x']}",
        '20: A.endpoints[0]: "davs://dcache.desy.de/x" has no port; '
        "write davs://dcache.desy.de:443/x, or whichever it is",
    ),
    "no port, and no usual one": (
        "{endpoints: ['s3://bucket']}",
        f'20: A.endpoints[0]: "s3://bucket" has no port; write {FORM}',
    ),
    "no scheme": (
        "{endpoints: ['h:1094/x']}",
        f'20: A.endpoints[0]: "h:1094/x" has no scheme; write {FORM}, such as davs://h:1094/x',
    ),
    "no URL": (
        "{endpoints: ['davs:/h']}",
        f'20: A.endpoints[0]: "davs:/h" is not an endpoint; write {FORM}',
    ),
    "port too large": (
        "{endpoints: ['davs://h:99999/x']}",
        '20: A.endpoints[0]: "davs://h:99999/x" has port 99999; ports are 1 to 65535',
    ),
    "password": (
        "{endpoints: ['davs://me:geheim@h:1/x']}",
        "20: A.endpoints[0]: an endpoint holds no user name or password; name a credential instead",
    ),
    "query": (
        "{endpoints: ['davs://h:1/x?token=geheim']}",
        f'20: A.endpoints[0]: an endpoint holds no "?" or "#"; write {FORM}',
    ),
    "blank": (
        "{endpoints: ['davs://h:1/a b']}",
        '20: A.endpoints[0]: "davs://h:1/a b" holds a blank or control character; escape it as %20',
    ),
    "unknown scheme": (
        "{endpoints: ['s3://h:1/b']}",
        '20: A.endpoints[0]: No driver speaks "s3". Installed: ',
    ),
    "endpoint twice": (
        "{endpoints: ['davs://h:1/x', 'davs://h:1/x/']}",
        '36: A.endpoints[1]: "davs://h:1/x/" stands in this list twice',
    ),
    "no list": (
        "{endpoints: 'davs://me:geheim@h:1'}",
        f"19: A.endpoints: expected a list, each an endpoint {FORM}, "
        'found "davs://***@h:1"; write [davs://***@h:1]',
    ),
    "no endpoints": (
        "{endpoints: []}",
        f"19: A.endpoints: expected a list, each an endpoint {FORM}; the list is empty",
    ),
    "no key": (
        "{checksum: md5}",
        '7: A: the key "endpoints" is missing; expected a list, each an endpoint ' + FORM,
    ),
    "nothing": (
        "",
        "6: A: expected a map with the keys endpoints, attributes, hosts, credential, checksum, "
        "tpc, driver, found nothing",
    ),
    "unknown key": (
        "{endpoints: ['davs://h:1'], chekcsum: none}",
        '35: A: unknown key "chekcsum"; did you mean "checksum"?',
    ),
    "unknown checksum": (
        "{endpoints: ['davs://h:1'], checksum: adler}",
        '45: A.checksum: expected one of auto, adler32, md5, none, found "adler"; '
        'did you mean "adler32"?',
    ),
    "tpc": (
        "{endpoints: ['davs://h:1'], tpc: pull}",
        '40: A.tpc: expected a list, each one of pull, push, or "none", found "pull"',
    ),
    "attribute": (
        "{endpoints: ['davs://h:1'], attributes: {a: [], 'b c': 1, d: .nan, e: }}",
        "51: A.attributes.a: expected a text, a number, true or false, found a list",
        '55: A.attributes: expected the name of an attribute, such as country, found "b c"',
        "68: A.attributes.d: expected a text, a number, true or false, found .nan",
        "77: A.attributes.e: expected a text, a number, true or false, found nothing",
    ),
    "hosts": (
        "{endpoints: ['davs://h:1'], hosts: {latency: 5, bandwidth: {ipv5: x}}}",
        "52: A.hosts.latency: expected a text, or a map with the keys ipv4, ipv6, found 5",
        '67: A.hosts.bandwidth: unknown key "ipv5"; did you mean "ipv6"?',
    ),
    "unknown credential": (
        "{endpoints: ['davs://h:1'], credential: robt}",
        '47: A.credential: there is no credential "robt"; did you mean "robot"?',
    ),
    "unknown driver": (
        "{endpoints: ['davs://h:1'], driver: {name: memry}}",
        '50: A.driver.name: there is no driver "memry"; did you mean "memory"? Installed: ',
    ),
    "driver without name": (
        "{endpoints: ['davs://h:1'], driver: {latency: 2}}",
        '43: A.driver: the key "name" is missing; expected a driver',
    ),
    "variable": (
        "{endpoints: ['davs://${HOST}:1']}",
        '20: A.endpoints[0]: "davs://${HOST}:1": environment variables are taken only in values '
        "of credentials, services, publish and actions",
    ),
}


@pytest.mark.parametrize(("text", "messages"), [(t, m) for t, *m in RSES.values()], ids=RSES)
def test_sentence(text: str, messages: list[str], faults: Faults) -> None:
    said = faults(f"{HEAD}   A: {text}\ncredentials: {{robot: {{x509: {{proxy: /p}}}}}}\n")

    assert len(said) == len(messages)
    for fault, message in zip(said, messages, strict=True):
        column, rest = message.split(": ", 1)
        assert fault.startswith(f"a.lake.yaml:4:{column}: inventory.rses.{rest}")
        # What is installed differs from machine to machine; all else is told in full.
        assert fault.endswith(rest) or rest.endswith("Installed: ")


def test_names_of_rses(faults: Faults) -> None:
    assert faults(HEAD + "    'a b': {endpoints: ['davs://h:1']}\n") == [
        'a.lake.yaml:4:5: inventory.rses: "a b" is no name; a name has letters, digits, - and _'
    ]


def test_a_duplicate_rse_in_one_file(faults: Faults) -> None:
    entry = "{endpoints: ['davs://h:1']}"

    assert faults(f"{HEAD}    A: {entry}\n    B: {entry}\n    A: {entry}\n") == [
        'a.lake.yaml:6:5: inventory.rses: duplicate key "A"; first in a.lake.yaml:4'
    ]


def test_duplicates_across_files(faults: Faults) -> None:
    text = (
        f"{HEAD}    A: {{endpoints: ['davs://h:1']}}\n  ca: certificates\n"
        "credentials: {robot: {x509: {proxy: /p}}}\ntests: {t: {kind: functional}}\n"
    )

    assert faults({"a.lake.yaml": text, "b.lake.yaml": text}, ".") == [
        'b.lake.yaml:4:5: inventory.rses: duplicate RSE "A"; first in a.lake.yaml:4',
        "b.lake.yaml:5:3: inventory.ca: given twice; first in a.lake.yaml:5",
        'b.lake.yaml:6:15: credentials: duplicate credential "robot"; first in a.lake.yaml:6',
        'b.lake.yaml:7:9: tests: duplicate test "t"; first in a.lake.yaml:7',
    ]


def test_the_sections(faults: Faults) -> None:
    text = "lakecheck: 2\ninventory: [a]\nbudget: {}\ncredentails: {}\ntests:\n"

    assert faults(text) == [
        "a.lake.yaml:1:12: lakecheck: expected 1, the version of this language, found 2",
        "a.lake.yaml:2:12: inventory: expected a map with the keys ca, cric, rucio, fts_config, "
        "rses, except, found a list",
        'a.lake.yaml:3:1: this version does not know the section "budget" yet',
        'a.lake.yaml:4:1: unknown key "credentails"; did you mean "credentials"?',
        "a.lake.yaml:5:7: tests: expected a map of names to their entries, found nothing",
    ]


def test_the_version_is_needed_once(faults: Faults) -> None:
    assert faults({"a.lake.yaml": "tests: {}", "b.lake.yaml": "tests: {}"}, ".") == [
        'b.lake.yaml: the key "lakecheck" is missing; write lakecheck: 1'
    ]


def test_keys_of_the_inventory(faults: Faults) -> None:
    text = "lakecheck: 1\ninventory: {ca: [x], cric: {}, rsses: {}}"

    assert faults(text) == [
        "a.lake.yaml:2:17: inventory.ca: expected the path of a folder or bundle of "
        "CA certificates, found a list",
        'a.lake.yaml:2:28: inventory.cric: the key "url" is missing; '
        "expected a URL or the path of a file",
        'a.lake.yaml:2:32: inventory: unknown key "rsses"; did you mean "rses"?',
    ]


def test_credentials(faults: Faults) -> None:
    text = """\
lakecheck: 1
credentials:
  none: {x509: {proxy: /p}}
  iam: {token: geheim}
  odd: {x509: geheim}
  old: {x509: {proxy: "${a-b}"}}
  own: {x509: {proxy: "${HOME}/${PROXY}", password: geheim}}
"""
    assert faults(text) == [
        'a.lake.yaml:3:3: credentials: "none" always exists, and is nobody; choose another name',
        "a.lake.yaml:4:16: credentials.iam.token: expected a map with the key file, found a text",
        "a.lake.yaml:5:15: credentials.odd.x509: expected a map with the key proxy, found a text",
        "a.lake.yaml:6:23: credentials.old.x509.proxy: an environment variable is written "
        "${NAME}, and nothing else stands in it",
        'a.lake.yaml:7:43: credentials.own.x509: unknown key "password"; known here: proxy',
    ]


LAKE = (
    "lakecheck: 1\n"
    "inventory: {rses: {A: {endpoints: ['davs://h:1'], credential: own}}}\n"
    "credentials: {own: {x509: {proxy: '${PROXY}'}}, other: {x509: {proxy: '${OTHER}'}}}\n"
)


@pytest.mark.parametrize("variables", [{}, {"PROXY": ""}])
def test_an_unset_variable_that_a_test_needs(faults: Faults, variables: dict[str, str]) -> None:
    tests = "tests: {a: {kind: functional, credentials: [none]}, b: {kind: functional}}\n"

    assert faults(LAKE + tests, **variables) == [
        "a.lake.yaml:3:35: credentials.own.x509.proxy: "
        "the environment variable PROXY is not set, and tests.b needs it; export it first"
    ]


def test_an_unset_variable_of_a_service_that_a_test_goes_through(faults: Faults) -> None:
    rses = "A: {endpoints: ['davs://h:1']}, B: {endpoints: ['davs://h:2']}"
    text = (
        f"lakecheck: 1\ninventory: {{rses: {{{rses}}}}}\n"
        "services: {fts: {kind: fts, url: '${FTS}'}, other: {kind: fts, url: '${OTHER}'}}\n"
        "tests: {a: {kind: tpc, via: fts}}\n"
    )
    assert faults(text) == [
        "a.lake.yaml:3:34: services.fts.url: "
        "the environment variable FTS is not set, and tests.a needs it; export it first"
    ]


def test_an_unset_variable_of_a_credential_that_a_test_names(faults: Faults) -> None:
    tests = "tests: {a: {kind: tpc, credentials: [other], allow_empty: true}}\n"

    assert faults(LAKE + tests) == [
        "a.lake.yaml:3:71: credentials.other.x509.proxy: "
        "the environment variable OTHER is not set, and tests.a needs it; export it first"
    ]
