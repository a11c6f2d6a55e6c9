"""`lakecheck init` over a real Rucio, and over what an FTS test was told."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakecheck import spec as language
from lakecheck.cli import call
from lakecheck.devlake import Lake
from tests.engine.runs import by_address
from tests.inventory.samples import FTS, encoded

NAMES = (
    *("RUCIO_CONFIG", "RUCIO_HOME", "RUCIO_ACCOUNT", "RUCIO_AUTH_TYPE", "RUCIO_URL", "RUCIO_VO"),
    *("RUCIO_PASSWORD", "RUCIO_USERNAME", "VIRTUAL_ENV", "CONDA_PREFIX", "BEARER_TOKEN_FILE"),
    *("X509_USER_PROXY", "CI", "LAKECHECK_RUN", "FTS_URL"),
)
PATH = Path("specs/lake.lake.yaml")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_rucio_cfg_is_enough(
    rucio_lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = rucio_lake.services["rucio"]
    monkeypatch.setenv("RUCIO_CONFIG", told["client"])

    assert call(["init", "--from", "rucio"]) == 0

    out = capsys.readouterr().out.splitlines()
    assert out[0] == "specs/lake.lake.yaml: 2 RSEs, tested over all their protocols"
    assert out[-1] == f"before a run: export RUCIO_PASSWORD=…, which stands in {told['client']}"
    text = PATH.read_text() + Path("specs/rucio.lock.json").read_text()
    assert told["password"] not in text
    assert not [line for line in text.splitlines() if len(line) > 100]
    assert call(["validate"]) == 0
    assert call(["plan"]) == 0
    assert call(["inventory", "update"]) == 10
    assert "variable RUCIO_PASSWORD is not set; export it first" in capsys.readouterr().err
    monkeypatch.setenv("RUCIO_PASSWORD", told["password"])
    assert call(["inventory", "update"]) == 0
    assert "no differences; 2 RSEs in specs/rucio.lock.json" in capsys.readouterr().out
    loaded = language.load([PATH])
    assert list(loaded.inventory.rses) == ["LAKE-1", "LAKE-2"]
    assert loaded.services["rucio"].options.account == "lake"


def test_options_count_first(rucio_lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    told = rucio_lake.services["rucio"]
    config = Path("etc/rucio.cfg")
    config.parent.mkdir()
    config.write_text(
        "[client]\nrucio_host = http://127.0.0.1:1\nauth_host = http://127.0.0.1:1\n"
        f"auth_type = userpass\naccount = nobody\nusername = root\npassword = {'%'}x\n"
    )
    monkeypatch.setenv("RUCIO_HOME", str(Path.cwd()))
    monkeypatch.setenv("RUCIO_PASSWORD", told["root"]["password"])
    options = ["--url", told["url"], "--account", "root", "-o", "specs/b.lake.yaml"]

    assert call(["init", "--from", "rucio", *options]) == 0

    service = language.load(["specs/b.lake.yaml"]).services["rucio"]
    assert (service.url, service.options.account) == (told["url"], "root")
    assert service.options.auth == ""
    # The lock is the catalogue's; the spec runs with what it was made with.
    more = "tests: {c: {kind: consistency, between: [lock, rucio]}}\n"
    text = Path("specs/b.lake.yaml").read_text()
    Path("specs/b.lake.yaml").write_text(text.partition("\ntests:")[0] + "\n" + more)
    assert call(["run", "-q", "-o", "out"]) == 0
    assert by_address(Path("out"))["c::LAKE-1.agree"]["status"] == "passed"


@pytest.mark.parametrize(
    ("variables", "arguments", "code", "told"),
    [
        ({}, [], 4, "no Rucio server is known: there is no rucio.cfg in $RUCIO_HOME/etc"),
        ({"RUCIO_CONFIG": "none.cfg"}, [], 4, "none.cfg, Rucio's configuration, cannot be read"),
        ({"RUCIO_AUTH_TYPE": "gss"}, ["--url", "http://127.0.0.1:1"], 4, 'auth_type "gss" is not'),
        ({"RUCIO_PASSWORD": "x"}, ["--url", "http://127.0.0.1:1"], 10, "no user name or no passwo"),
        (
            {"RUCIO_PASSWORD": "x", "RUCIO_USERNAME": "y"},
            ["--url", "http://127.0.0.1:1"],
            10,
            "Connection refused",
        ),
    ],
)
def test_a_rucio_that_cannot_be_asked(
    variables: dict[str, str],
    arguments: list[str],
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert call(["init", "--from", "rucio", *arguments]) == code
    assert told in capsys.readouterr().err
    assert not Path("specs").exists()


def test_options_of_rucio_are_for_rucio(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["init", "--from", "cric:x", "--account", "y"]) == 4
    assert "--url, --auth and --account are for --from rucio" in capsys.readouterr().err


def test_an_fts_test_goes_on_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = {"activity": "{probe}", "vo": "escape"}
    told = FTS | {"checksum": "target", "num_of_jobs": 2, "overwrite": True, "metadata": metadata}
    Path("conf.json").write_bytes(encoded(told))

    assert call(["init", "--from", "fts:conf.json"]) == 0

    assert call(["validate"]) == 4  # it does not know which FTS
    monkeypatch.setenv("FTS_URL", "https://fts.example.org:8446/")
    assert call(["validate"]) == 0
    assert call(["plan"]) == 0
    copies = language.load([PATH]).tests["copies"]
    assert copies.service is not None
    assert copies.service.url == "https://fts.example.org:8446"
    options = copies.options
    assert (options.sizes, options.files, options.jobs) == ((2**20, 10 * 2**20), 4, 2)
    assert (options.checksum, options.overwrite, options.mesh) == ("target", True, "full")
    assert options.metadata == metadata


def test_an_fts_test_that_tells_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FTS_URL", "https://fts.example.org:8446/")
    Path("conf.json").write_bytes(encoded({"protocols": FTS["protocols"], "checksum": "no"}))

    assert call(["init", "--from", "fts:conf.json"]) == 0

    options = language.load([PATH]).tests["copies"].options
    assert (options.sizes, options.files, options.checksum) == ((2**20,), 1, "both")
