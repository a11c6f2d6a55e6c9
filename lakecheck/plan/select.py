"""Which of the planned checks a run takes: by name, kind, RSE and protocol."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from lakecheck import registry
from lakecheck.errors import UsageError
from lakecheck.model import Case, Spec
from lakecheck.spec import drivers
from lakecheck.spec.nodes import near, quote

MOST_LISTED = 12
WORD = re.compile(r"[^\s()]+|[()]")
OPERATORS = frozenset({"and", "or", "not", "(", ")"})


class Selection(Struct, frozen=True):
    """What the command line asks for; nothing asked selects everything."""

    keyword: str = ""  # as pytest's -k
    kinds: tuple[str, ...] = ()
    rses: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


def check_names(selection: Selection, spec: Spec) -> None:
    """Raise UsageError where a selection names what the spec and its drivers do not know."""
    ends = [end for rse in spec.inventory.rses.values() for end in rse.endpoints]
    protocols = {name: None for end in ends for name in (end.scheme, end.protocol)}
    told = [
        *_unknown("--rse", "RSE", selection.rses, spec.inventory.rses),
        *_unknown("-t", "test", selection.tests, spec.tests),
        *_unknown("-m", "kind", selection.kinds, registry.names("kinds")),
        *_unknown("--protocol", "protocol", selection.protocols, protocols, drivers.spoken()),
    ]
    if told:
        raise UsageError("\n".join(told))


def _unknown(
    option: str,
    noun: str,
    written: Iterable[str],
    known: Collection[str],
    others: Collection[str] = (),
) -> Iterator[str]:
    for name in written:
        if name not in known and name not in others:
            listed = f"; there are {', '.join(known)}" if 0 < len(known) <= MOST_LISTED else ""
            yield f"{option}: there is no {noun} {quote(name)}{near(name, known) or listed}"


def chosen_cases(selected: Mapping[str, tuple[Case, str]]) -> list[Case]:
    """Cases of selected checks, each with these steps only."""
    cases: dict[int, Case] = {}
    steps: dict[int, list[str]] = {}
    for case, step in selected.values():
        cases[id(case)] = case
        steps.setdefault(id(case), []).append(step)
    return [
        case if len(case.steps) == len(steps[key]) else replace(case, steps=tuple(steps[key]))
        for key, case in cases.items()
    ]


def takes_case(selection: Selection, case: Case) -> bool:
    """Whether a case is on a wanted RSE, with a wanted protocol, kind and test.

    The check of a credential goes with whatever is left that uses it.
    """
    if selection.kinds and case.test.kind not in selection.kinds:
        return False
    if selection.tests and case.test.name not in selection.tests:
        return False
    ends = [end for end in (case.source, case.endpoint) if end]
    rses = {end.rse for end in ends} if ends or case.service else {case.place}
    if selection.rses and not rses & set(selection.rses):
        return False
    return not selection.protocols or any(
        end.protocol in selection.protocols or end.scheme in selection.protocols for end in ends
    )


def select(cases: Sequence[Case], selection: Selection) -> dict[str, tuple[Case, str]]:
    """Addresses of the selected checks, in plan order, each with its case and step."""
    matches = keyword_filter(selection.keyword)
    chosen = {
        address: (case, step)
        for case in cases
        if case.test.kind != "credentials" and takes_case(selection, case)
        for step, address in zip(case.steps, case.checks, strict=True)
        if matches(address)
    }
    used = {name for case, _ in chosen.values() for name in case.credentials}
    asked = selection.keyword and not (
        selection.kinds or selection.rses or selection.protocols or selection.tests
    )
    first = {
        address: (case, step)
        for case in cases
        if case.test.kind == "credentials"
        for step, address in zip(case.steps, case.checks, strict=True)
        if (matches(address) if asked else case.credential in used)
    }
    return first | chosen


class Keyword:
    """A compiled `-k` expression: words are parts of an address, without regard to case."""

    def __init__(self, text: str) -> None:
        words = WORD.findall(text)
        source = [word if word in OPERATORS else f"({word.lower()!r} in address)" for word in words]
        try:
            if any(_side_by_side(*pair) for pair in pairwise(words)):
                raise SyntaxError  # to Python it would be a call
            self._code = compile(" ".join(source) or "True", "-k", "eval")
        except (SyntaxError, RecursionError, MemoryError):
            raise UsageError(
                f'-k "{text}" is not an expression; write words joined by and, or, not and ( )'
            ) from None

    def __call__(self, address: str) -> bool:
        """Whether an address matches."""
        return bool(eval(self._code, {"__builtins__": {}}, {"address": address.lower()}))


def _side_by_side(left: str, right: str) -> bool:
    """Whether two words have no `and` or `or` between them though both need one."""
    ends = left == ")" or left not in OPERATORS
    return ends and (right in ("(", "not") or right not in OPERATORS)


def keyword_filter(text: str) -> Keyword:
    """Compile a `-k` expression; UsageError where it is none."""
    return Keyword(text)
