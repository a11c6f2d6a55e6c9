"""What the engine makes of promises, streaming, sources without a seed, and credentials."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lakecheck.devlake import Lake
from tests.engine.runs import by_address, lakecheck, memory_rses, seconds, write


def test_promised_and_seen(tmp_path: Path) -> None:
    text = memory_rses("A") + (
        "tests:\n  f:\n    kind: functional\n    driver: {name: memory, latency: 30ms}\n"
        "    expect: ['upload.duration < 0.01s', 'stat.duration < 1m']\n"
    )

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    found = by_address(tmp_path / "out")
    upload = found["f::A.davs.100B.upload"]
    assert upload["status"] == "failed"
    (promise,) = upload["expected"]
    assert promise["condition"] == "upload.duration < 0.01s"
    assert promise["met"] is False
    assert promise["seen"] in upload["reason"]
    assert found["f::A.davs.100B.stat"]["expected"][0]["met"] is True
    assert found["f::A.davs.100B.download"]["status"] == "passed"  # the file is there all the same


def test_a_source_without_a_seed_blocks_its_links_each_with_a_document(tmp_path: Path) -> None:
    driver = "{name: memory, on: {B: {faults: {upload: full}}}}"
    text = f"{memory_rses('ABC')}tests:\n  c: {{kind: tpc, sizes: [1kB], driver: {driver}}}\n"

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    found = by_address(tmp_path / "out")
    blocked = {name: one for name, one in found.items() if one["status"] == "blocked"}
    assert set(blocked) == {"c::B~A.davs.1kB.copy", "c::B~C.davs.1kB.copy"}
    for one in blocked.values():
        assert one["blocked_by"] == "c::B.davs.1kB.seed"
        assert (one["error.class"], one["error.side"]) == ("full", "source")
        assert one["error.phase"] == "seed"


def test_a_storage_that_cannot_copy_by_itself_fails_and_is_not_streamed(
    lake: Lake, tmp_path: Path
) -> None:
    apache, good = lake.rses["LAKE-APACHE"], lake.rses["LAKE-1"]
    text = (
        f"lakecheck: 1\ninventory:\n  ca: {lake.ca}\n  rses:\n"
        f"    A: {{endpoints: ['{apache.davs}'], checksum: none}}\n"
        f"    G: {{endpoints: ['{good.davs}']}}\n"
        "tests:\n  c: {kind: tpc, sizes: [1kB], timeout: 30s}\n"
    )

    done = lakecheck("run", write(tmp_path, text), "-k", "G~A", "-o", "out", cwd=tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    found = by_address(tmp_path / "out")["c::G~A.davs.1kB.copy"]
    assert found["status"] == "failed"
    assert list(lake.data_dir("LAKE-APACHE").glob("lakecheck/*")) == []


def test_an_unsound_credential_is_an_error_and_blocks_its_cases(tmp_path: Path) -> None:
    text = memory_rses("AB") + (
        "credentials:\n  robot: {x509: {proxy: missing}}\n"
        "tests:\n  f: {kind: functional, driver: memory, credentials: [robot]}\n"
    )

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 10, done.stdout + done.stderr
    found = by_address(tmp_path / "out")
    valid = found.pop("credentials::robot.valid")
    assert (valid["status"], valid["error.class"]) == ("error", "credential")
    assert "missing" in valid["error.message"]
    assert {one["status"] for one in found.values()} == {"blocked"}
    assert {one["blocked_by"] for one in found.values()} == {"credentials::robot.valid"}


def expired(path: Path) -> Path:
    """A proxy that ended an hour ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "robot")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=13))
        .not_valid_after(now - timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path.write_bytes(
        certificate.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path.chmod(0o600)
    return path


def test_an_expired_proxy_blames_no_site(tmp_path: Path) -> None:
    proxy = expired(tmp_path / "proxy.pem")
    text = memory_rses("A") + (
        f"credentials:\n  robot: {{x509: {{proxy: {proxy}}}}}\n"
        "tests:\n  f: {kind: functional, driver: memory, credentials: [robot]}\n"
    )

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path)

    assert done.returncode == 10, done.stdout + done.stderr
    found = by_address(tmp_path / "out")
    assert "ended at" in found["credentials::robot.valid"]["error.message"]
    assert found["f::A.davs.100B.robot.upload"]["status"] == "blocked"


def test_a_crashing_native_library_is_ours_and_delays_nobody(pair: Lake, tmp_path: Path) -> None:
    """A worker that is killed in its call: what SIGSEGV in gfal2 looks like."""
    text = (
        f"lakecheck: 1\ninventory:\n  ca: {pair.ca}\n  rses:\n"
        f"    BAD: {{endpoints: ['{pair.rses['LAKE-2'].davs}/bad']}}\n"
        f"    GOOD: {{endpoints: ['{pair.rses['LAKE-1'].davs}/good']}}\n"
        "tests:\n  f: {kind: functional, timeout: 20s}\n"
    )
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(CRASH)

    done = lakecheck("run", write(tmp_path, text), "-o", "out", cwd=tmp_path, PYTHONPATH=str(site))

    assert done.returncode == 10, done.stdout + done.stderr
    found = by_address(tmp_path / "out").values()
    assert {one["status"] for one in found if one["rse"] == "GOOD"} == {"passed"}
    bad = {one["check"]: one for one in found if one["rse"] == "BAD"}
    assert bad["upload"]["status"] == "error"
    assert (bad["upload"]["error.class"], bad["upload"]["error.side"]) == ("tester", "tester")
    assert "SIGSEGV" in bad["upload"]["error.message"]
    assert {bad[step]["status"] for step in ("stat", "checksum", "download")} == {"blocked"}
    assert seconds(tmp_path / "out") < 20


CRASH = """
import os, signal, sys

if any("lakecheck.drivers.worker" in word for word in getattr(sys, "orig_argv", [])):
    import lakecheck.drivers.gfal2_calls as calls

    def put(url, *more, _put=calls.CALLS["put"]):
        if "/bad/" in url:
            os.kill(os.getpid(), signal.SIGSEGV)
        return _put(url, *more)

    calls.CALLS["put"] = put
"""
