"""Tests of kind `command`: whole runs of real programs, and the documents that they leave."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from lakecheck.devlake import pki
from tests.engine.runs import by_address, end_all, lakecheck, start, wait_for, write

RSES = """\
lakecheck: 1
inventory:
  rses:
    ALPHA:
      endpoints: ["davs://127.0.0.1:1/x", "root://localhost:2//y"]
      attributes: {country: FR, tape: true}
    BETA: {endpoints: ["davs://127.0.0.1:3/z"]}
"""
SLEEPER = "import subprocess, sys, time; subprocess.Popen(['sleep', '{}']{}); time.sleep(99)"


@pytest.fixture(autouse=True)
def _ended() -> Any:
    yield
    end_all()


def spec(folder: Path, tests: dict[str, Any], head: str = RSES) -> Path:
    """A spec of commands; what they are is JSON, which is YAML."""
    lines = [
        f"  {name}: {json.dumps({'kind': 'command', **options})}\n"
        for name, options in tests.items()
    ]
    return write(folder, f"{head}tests:\n{''.join(lines)}")


def script(folder: Path, text: str, name: str = "plugin") -> Path:
    file = folder / name
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(0o755)
    return file


def run(folder: Path, tests: dict[str, Any], **more: str) -> dict[str, dict[str, Any]]:
    file = spec(folder, tests)
    done = lakecheck("run", file.name, "--quiet", cwd=folder, **more)
    assert done.returncode in (0, 1, 10), done.stderr
    return by_address(folder / "reports/latest")


ENDS = {
    0: ("passed", None, None),
    1: ("failed", "unknown", "warning"),
    2: ("failed", "unknown", "critical"),
    3: ("error", "tester", None),
    4: ("error", "tester", None),
    127: ("error", "tester", None),
}


def test_exit_codes_mean_what_they_mean_for_plug_ins(tmp_path: Path) -> None:
    told = {
        f"exit-{code}": {
            "run": [sys.executable, "-c", f"print('said | a=5ms'); exit({code})"],
            "per": "once",
        }
        for code in ENDS
    }

    found = run(tmp_path, told)

    for code, (status, error_class, severity) in ENDS.items():
        document = found[f"exit-{code}::once.command"]
        assert document["status"] == status
        assert document.get("error.class") == error_class
        assert document.get("severity") == severity
        assert document["command.exit"] == code
        assert document["command.output"] == "said"
        assert document["command.perfdata.a"] == 0.005
        assert "size" not in document
    assert found["exit-2::once.command"]["error.message"] == "said"
    assert found["exit-3::once.command"]["error.message"].endswith("could not tell: said")
    assert "a plug-in's are 0 to 3: said" in found["exit-127::once.command"]["error.message"]


def test_signals_and_missing_programs_are_our_own_fault(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    (tmp_path / "broken").write_text("#!/nowhere/at/all\n")
    (tmp_path / "broken").chmod(0o755)

    found = run(
        tmp_path,
        {
            "signal": {"run": ["sh", "-c", "echo why >&2; kill -SEGV $$"], "per": "once"},
            "nowhere": {"run": ["check_nowhere"], "per": "once"},
            "absent": {"run": ["./absent"], "per": "once"},
            "text": {"run": ["./text"], "per": "once"},
            "broken": {"run": ["./broken"], "per": "once"},
        },
    )

    messages = {name.partition(":")[0]: each["error.message"] for name, each in found.items()}
    assert messages["signal"] == "sh was ended by SIGSEGV: why"
    assert messages["nowhere"].startswith('there is no program "check_nowhere" in PATH, nor where')
    assert messages["absent"] == f"there is no program {tmp_path}/absent"
    assert messages["text"].endswith(f"may not be executed; run: chmod +x {tmp_path}/text")
    assert messages["broken"] == f"{tmp_path}/broken cannot be run: No such file or directory"
    assert {each["status"] for each in found.values()} == {"error"}
    assert {each["error.side"] for each in found.values()} == {"tester"}


def test_the_matrix_and_its_placeholders(tmp_path: Path) -> None:
    whole = "{rse} {url} {scheme} {host} {port} {path} {protocol} {{x}}"

    found = run(
        tmp_path,
        {
            "parts": {"run": ["echo", whole]},
            "rses": {"run": ["echo", "{rse}"]},
            "chosen": {"run": ["echo", "{rse}"], "protocols": ["root"]},
            "attributes": {"run": ["echo", "{attribute.country} {attribute.tape}"]},
        },
    )

    said = {name: each.get("command.output") for name, each in found.items()}
    assert said == {
        "parts::ALPHA.davs.command": "ALPHA davs://127.0.0.1:1/x davs 127.0.0.1 1 /x davs {x}",
        "parts::ALPHA.root.command": "ALPHA root://localhost:2//y root localhost 2 //y root {x}",
        "parts::BETA.davs.command": "BETA davs://127.0.0.1:3/z davs 127.0.0.1 3 /z davs {x}",
        "rses::ALPHA.command": "ALPHA",
        "rses::BETA.command": "BETA",
        "chosen::ALPHA.root.command": "ALPHA",
        "attributes::ALPHA.command": "FR true",
        "attributes::BETA.command": None,
    }
    skipped = found["attributes::BETA.command"]
    assert skipped["reason"] == "BETA has no attribute country, tape"
    assert found["rses::ALPHA.command"]["labels.country"] == "FR"
    assert found["parts::ALPHA.root.command"]["endpoint"] == "root://localhost:2//y"


def test_no_shell_sees_the_arguments(tmp_path: Path) -> None:
    words = ["$(touch pwned)", "; touch pwned", "`touch pwned`", "| x", "a  b", "*", "-v", "-v"]
    plugin = script(tmp_path, "import sys, json; print(json.dumps(sys.argv[1:]))")

    (found,) = run(tmp_path, {"words": {"run": [str(plugin), *words], "per": "once"}}).values()

    assert found["command.output"] == json.dumps(words).partition("|")[0].strip()
    assert not (tmp_path / "pwned").exists()


def test_the_environment_is_small_and_says_where_it_is(tmp_path: Path) -> None:
    plugin = script(
        tmp_path, "import os, json; json.dump(dict(os.environ), open('seen', 'w'))", "env"
    )

    run(
        tmp_path,
        {
            "seen": {
                "run": [str(plugin)],
                "per": "rse",
                "on": "ALPHA",
                "timeout": "9s",
                "environment": {"PLACE": "in {attribute.country}"},
            }
        },
        SECRET_OF_OURS="planted",
        X509_USER_PROXY="/ours",
    )

    seen = json.loads((tmp_path / "seen").read_text())
    for name in ("PATH", "HOME", "LANG", "TMPDIR", "USER", "TZ", "LC_CTYPE", "LAKECHECK_CALL"):
        seen.pop(name, None)
    assert seen.pop("X509_CERT_DIR", None) == os.environ.get("X509_CERT_DIR")
    assert seen == {
        "LAKECHECK_TEST": "seen",
        "LAKECHECK_RSE": "ALPHA",
        "LAKECHECK_TIMEOUT": "9",
        "PLACE": "in FR",
    }


def test_output_is_bounded_and_secrets_are_not_shown(tmp_path: Path) -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJsYWtlIn0.c2lnbmF0dXJlLW9mLXRoZS1sYWtl"
    flood = script(
        tmp_path, f"print('{token} | a=1'); print('x' * 50_000_000); print('late | b=2')"
    )

    (found,) = run(tmp_path, {"flood": {"run": [str(flood)], "per": "once"}}).values()

    assert found["status"] == "passed"
    assert found["command.output"] == "***"
    assert [name for name in found if "perfdata" in name] == ["command.perfdata.a"]
    written = [
        file.read_text() for file in (tmp_path / "reports/latest").iterdir() if file.is_file()
    ]
    assert not [text for text in written if token in text]


def of(seconds: str) -> list[psutil.Process]:
    """Processes that sleep for so long."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline() == ["sleep", seconds]:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("own_session", [False, True])
def test_nothing_is_left_at_the_timeout(tmp_path: Path, own_session: bool) -> None:
    seconds = f"9{os.getpid()}.{int(own_session)}"
    more = ", start_new_session=True" if own_session else ""
    text = (
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"print('so far', flush=True)\n{SLEEPER.format(seconds, more)}"
    )
    plugin = script(tmp_path, text, "hanging")
    began = time.monotonic()

    (found,) = run(
        tmp_path, {"hang": {"run": [str(plugin)], "per": "once", "timeout": "2s"}}
    ).values()

    assert time.monotonic() - began < 12
    assert (found["status"], found["error.class"]) == ("failed", "timeout")
    assert found["severity"] == "critical"
    assert found["error.message"] == (
        "hanging did not end within 2s, the time of the whole case, and was ended: so far"
    )
    assert of(seconds) == []


def test_what_a_program_leaves_running_is_ended(tmp_path: Path) -> None:
    seconds = f"8{os.getpid()}"
    plugin = script(
        tmp_path, f"import subprocess; subprocess.Popen(['sleep', '{seconds}']); print('ok')"
    )

    (found,) = run(tmp_path, {"leave": {"run": [str(plugin)], "per": "once"}}).values()

    assert found["status"] == "passed"
    assert found["duration"] < 5
    assert of(seconds) == []


def test_an_interruption_ends_it(tmp_path: Path) -> None:
    seconds = f"7{os.getpid()}"
    plugin = script(tmp_path, SLEEPER.format(seconds, ""))
    file = spec(tmp_path, {"hang": {"run": [str(plugin)], "per": "once"}})
    running = start("run", file.name, cwd=tmp_path)
    wait_for(lambda: of(seconds))

    running.send_signal(signal.SIGINT)

    assert running.wait(20) == 2
    assert of(seconds) == []
    (found,) = by_address(tmp_path / "reports/latest").values()
    assert (found["status"], found["reason"]) == ("not_run", "the run was interrupted")


def test_a_command_that_hangs_stalls_nobody_else(tmp_path: Path) -> None:
    head = RSES.replace("BETA: {", "BETA: {driver: memory, ")

    file = spec(
        tmp_path,
        {"hang": {"run": ["sh", "-c", "sleep 60 # {host}"], "on": "BETA", "timeout": "1s"}},
        head,
    )
    file.write_text(f"{file.read_text()}  store: {{kind: functional, on: BETA}}\n")
    lakecheck("run", file.name, cwd=tmp_path)

    found = by_address(tmp_path / "reports/latest")
    assert found.pop("hang::BETA.davs.command")["error.class"] == "timeout"
    assert {each["status"] for each in found.values()} == {"passed"}


def test_many_at_once_and_no_more_than_the_limit(tmp_path: Path) -> None:
    plugin = script(
        tmp_path,
        "import os, time\nopen(f'running-{os.getpid()}', 'w')\ntime.sleep(0.3)\n"
        "print(len([f for f in os.listdir() if f.startswith('running-')]), 'at once')\n"
        "os.remove(f'running-{os.getpid()}')",
    )
    tests = {f"t{number}": {"run": [str(plugin)], "on": "ALPHA"} for number in range(12)}

    found = run(tmp_path, tests)

    most = max(int(each["command.output"].split()[0]) for each in found.values())
    assert 2 <= most <= 8


def test_real_plug_ins(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        {
            "disk": {
                "run": ["check_disk", "-w", "1B", "-c", "1B", "-u", "bytes", "-p", "/"],
                "per": "once",
                "expect": ["command.perfdata._ > 1MB"],
            },
            "port": {"run": ["check_tcp", "-H", "{host}", "-p", "{port}"], "on": "BETA"},
            "unknown": {"run": ["check_dummy", "3", "who knows"], "per": "once"},
        },
    )

    disk, port = found["disk::once.command"], found["port::BETA.davs.command"]
    assert disk["status"] == "passed", disk
    assert disk["expected"][0]["met"] is True
    assert (port["status"], port["severity"], port["error.side"]) == (
        "failed",
        "critical",
        "storage",
    )
    assert "refused" in port["error.message"]
    assert port["repeat"][-1].endswith("check_tcp -H 127.0.0.1 -p 3")
    assert found["unknown::once.command"]["status"] == "error"


def test_repro_shows_the_exact_command(tmp_path: Path) -> None:
    file = spec(tmp_path, {"say": {"run": ["printf", "%s\\n", "it's {rse}"], "on": "ALPHA"}})

    shown = lakecheck("repro", "say::ALPHA.command", file.name, cwd=tmp_path)

    assert shown.returncode == 0, shown.stderr
    assert "printf '%s\\n' 'it'\"'\"'s ALPHA'" in shown.stdout
    assert "export LAKECHECK_RSE=ALPHA LAKECHECK_TEST=say LAKECHECK_TIMEOUT=60" in shown.stdout


def test_a_proxy_is_named_to_the_command_and_needed_for_its_placeholder(
    tmp_path: Path,
) -> None:
    proxy = tmp_path / "proxy.pem"
    user = pki.make_user(pki.make_authority("Test CA"), "User")
    pki.write_private(proxy, pki.make_proxy(user), None)
    head = RSES + f"credentials: {{lake: {{x509: {{proxy: '{proxy}'}}}}}}\n"
    file = spec(
        tmp_path,
        {
            "shown": {
                "run": ["sh", "-c", "echo $X509_USER_PROXY {proxy}"],
                "per": "once",
                "credentials": ["lake"],
            },
            "nobody": {"run": ["echo", "{proxy}"], "per": "once"},
        },
        head,
    )
    lakecheck("run", file.name, cwd=tmp_path)

    found = by_address(tmp_path / "reports/latest")
    assert found["credentials::lake.valid"]["status"] == "passed"
    # Its address has no credential: it names none.
    assert found["nobody::once.command"]["error.class"] == "credential"
    assert found["shown::once.lake.command"]["status"] == "passed"
    assert found["shown::once.lake.command"]["command.output"] == f"{proxy} {proxy}"
