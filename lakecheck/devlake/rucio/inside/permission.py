"""Who may do what: as in Rucio's generic policy, but users may upload and own their rules.

There only an administrator may, except on storages whose names end in SCRATCHDISK and the like;
real experiments have policies of their own too.
"""

from __future__ import annotations

from typing import Any

from rucio.core.permission import generic
from rucio.core.rule import get_rule

UPLOADING = (
    *("add_replicas", "update_replicas_states", "declare_bad_file_replicas"),
    "set_tombstone",  # of uploads that came to nothing
)
OF_RULES = ("del_rule", "update_rule", "reduce_rule", "move_rule")


def has_permission(issuer: Any, action: str, kwargs: dict[str, Any], *, session: Any) -> Any:
    """Say whether an account may do something."""
    if action in UPLOADING:
        return True
    if action in OF_RULES:
        rule = get_rule(rule_id=kwargs["rule_id"], session=session)
        if rule["account"] == issuer:
            return True
    return generic.has_permission(issuer, action, kwargs, session=session)
