"""What OpenSearch's security plug-in needs: certificates, users and what they may do."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lakecheck.devlake.server import Site
from lakecheck.devlake.service import make_password
from lakecheck.errors import LakecheckError

SETTINGS = """\
plugins.security.ssl.transport.pemcert_filepath: node.pem
plugins.security.ssl.transport.pemkey_filepath: node.key
plugins.security.ssl.transport.pemtrustedcas_filepath: ca.pem
plugins.security.ssl.transport.enforce_hostname_verification: false
plugins.security.ssl.http.enabled: true
plugins.security.ssl.http.pemcert_filepath: node.pem
plugins.security.ssl.http.pemkey_filepath: node.key
plugins.security.ssl.http.pemtrustedcas_filepath: ca.pem
plugins.security.allow_default_init_securityindex: true
plugins.security.authcz.admin_dn: ["CN=nobody,O=Embedded Lake"]
plugins.security.nodes_dn: ["*DC=lakecheck*"]
"""
# What lakecheck needs, and no more: docs tell people to grant the same.
_WRITER: dict[str, Any] = {
    "cluster_permissions": [
        "cluster_monitor",
        "indices:data/write/bulk*",
        "indices:admin/index_template/get",
        "indices:admin/index_template/put",
    ],
    "index_permissions": [
        {
            "index_patterns": ["lakecheck*"],
            "allowed_actions": [
                "crud",
                "create_index",
                "indices_monitor",
                "indices:admin/delete",
                "indices:admin/get",
                "indices:admin/mapping/put",
            ],
        }
    ],
}
_READER: dict[str, Any] = {
    "cluster_permissions": ["cluster_composite_ops_ro", "indices:data/write/bulk"],
    "index_permissions": [{"index_patterns": ["lakecheck*"], "allowed_actions": ["read"]}],
}
_OWN = {"admin": "all_access", "writer": "lakecheck_writer", "reader": "lakecheck_reader"}


def write(site: Site, home: Path, config: Path) -> dict[str, str]:
    """Write all into the folder of configuration; gives the password of each user."""
    folder = config / "opensearch-security"
    shutil.copytree(home / "plugins/opensearch-security/config", folder)
    users = {name: make_password() for name in _OWN}
    _write(folder, "internalusers", "internal_users", {n: _user(p) for n, p in users.items()})
    _write(folder, "roles", "roles", {"lakecheck_writer": _WRITER, "lakecheck_reader": _READER})
    mapping = {role: {"users": [name]} for name, role in _OWN.items()}
    _write(folder, "rolesmapping", "roles_mapping", mapping)
    _write_certificates(site, config)
    return users


def _user(password: str) -> dict[str, str]:
    if importlib.util.find_spec("bcrypt") is None:
        raise LakecheckError(
            "OpenSearch with passwords needs the Python package bcrypt; "
            "install it: pip install bcrypt"
        )
    import bcrypt

    # Few rounds: it is asked with every request, and these users live as long as the lake.
    return {"hash": bcrypt.hashpw(password.encode(), bcrypt.gensalt(6, prefix=b"2a")).decode()}


def _write(folder: Path, kind: str, name: str, content: dict[str, Any]) -> None:
    head = {"_meta": {"type": kind, "config_version": 2}}
    (folder / f"{name}.yml").write_text(yaml.safe_dump(head | content))


def _write_certificates(site: Site, config: Path) -> None:
    certificate, key = site.layout.host("opensearch-secure")
    (config / "node.pem").write_bytes(certificate.read_bytes())
    (config / "ca.pem").write_bytes((site.layout.ca / "ca-bundle.pem").read_bytes())
    # The only form of keys that Netty reads.
    private = load_pem_private_key(key.read_bytes(), password=None)
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (config / "node.key").touch(mode=0o600)
    (config / "node.key").write_bytes(private.private_bytes(*form))
