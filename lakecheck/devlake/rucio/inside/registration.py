"""Tells a Rucio what the lake has; what it knows already stays as it is."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

from rucio.common.types import InternalAccount, InternalScope
from rucio.core import account as accounts
from rucio.core import account_limit, distance, identity, rse, scope
from rucio.db.sqla.constants import AccountType, DatabaseOperationType, IdentityType
from rucio.db.sqla.session import db_session

USERPASS = IdentityType.USERPASS


def register(plan: Path) -> None:
    """Register accounts, scopes, RSEs with their protocols and attributes, distances, limits.

    All of it or nothing, in one transaction.
    """
    wanted = json.loads(plan.read_text())
    with db_session(DatabaseOperationType.WRITE) as session:
        for name, password in wanted["accounts"].items():
            _account(name, password, session)
        for name, owner in wanted["scopes"].items():
            if not scope.check_scope(InternalScope(name), session=session):
                scope.add_scope(InternalScope(name), InternalAccount(owner), session=session)
        known = [
            _rse(name, told, wanted["limits"], session) for name, told in wanted["rses"].items()
        ]
        for one, other in permutations(known, 2):
            if not distance.get_distances(one, other, session=session):
                distance.add_distance(one, other, 1, session=session)


def _account(name: str, password: str, session: Any) -> None:
    known = InternalAccount(name)
    if accounts.account_exists(known, session=session):
        return
    kind = AccountType.SERVICE if name == "root" else AccountType.USER
    email = f"{name}@localhost"
    accounts.add_account(known, kind, email, session=session)
    identity.add_identity(name, USERPASS, email, password, session=session)
    identity.add_account_identity(name, USERPASS, known, email, default=True, session=session)


def _rse(name: str, told: dict[str, Any], limits: dict[str, int], session: Any) -> str:
    if rse.rse_exists(name, session=session):
        return str(rse.get_rse_id(name, session=session))
    known = str(rse.add_rse(name, country_name=told["country"], session=session))
    for key, value in told["attributes"].items():
        rse.add_rse_attribute(known, key, value, session=session)
    for protocol in told["protocols"]:
        rse.add_protocol(known, protocol, session=session)
    for account, limit in limits.items():
        account_limit.set_local_account_limit(
            InternalAccount(account), known, limit, session=session
        )
    return known
