"""Experiments of a usage test: names with `*` for scopes and accounts, never two for one name."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Annotated, Any

from msgspec import Meta, Struct

from lakecheck.spec.nested_shapes import MapOf
from lakecheck.spec.nodes import Node, Place, join, quote
from lakecheck.spec.records import record_of
from lakecheck.spec.scalar_shapes import Text
from lakecheck.spec.shapes import INVALID, Context, Schema

OTHER = "other"  # what belongs to no experiment
ANYTHING = "*"
_Pattern = Annotated[
    str, Meta(extra={"shape": Text("a name, in which * is anything", r"[A-Za-z0-9_.@/*-]+")})
]


class Experiment(Struct, frozen=True):
    """What belongs to an experiment, by scopes, and by accounts where the scope is nobody's."""

    scopes: Annotated[
        tuple[_Pattern, ...], Meta(description="Its scopes; * stands for anything.")
    ] = ()
    accounts: Annotated[
        tuple[_Pattern, ...],
        Meta(description="Its accounts; what they hold in scopes of no experiment is its as well."),
    ] = ()

    def __post_init__(self) -> None:
        """Check that it can have anything."""
        if not self.scopes and not self.accounts:
            raise ValueError("an experiment has scopes, accounts, or both")


Experiments = Mapping[str, Experiment]


class _Written(Struct, frozen=True):
    """One pattern of a spec."""

    experiment: str
    text: str
    place: Place
    path: str


class ExperimentsShape(Struct, frozen=True):
    """A map of experiments, in which no scope and no account can belong to two."""

    expected: str = "a map of experiments, each with its scopes and accounts"

    def accepts(self, node: Node) -> bool:
        """Say whether a node is of this form."""
        return node.kind == "map"

    def decode(self, node: Node, path: str, context: Context) -> Any:
        """Give the value, or INVALID after noting the faults."""
        decoded = _plain().decode(node, path, context)
        if decoded is INVALID:
            return INVALID
        sound = True
        if OTHER in node.entries:
            told = f'"{OTHER}" is what belongs to no experiment; give this one another name'
            context.faults.add(node.entries[OTHER][0], join(path, OTHER), told)
            sound = False
        for sort in ("scopes", "accounts"):
            for one, two in combinations(_written(node, sort, path), 2):
                name = common(one.text, two.text) if one.experiment != two.experiment else None
                if name is not None:
                    context.faults.add(two.place, two.path, _told(one, two, name, sort))
                    sound = False
        return decoded if sound else INVALID

    def schema(self) -> Schema:
        """Give the JSON Schema of such values."""
        return _plain().schema()


def _plain() -> MapOf:
    # The name is a part of addresses, where a dot ends a part.
    name = Text("an experiment's name of letters, digits, _ and -", r"[A-Za-z0-9_-]+")
    return MapOf(name, record_of(Experiment))


def _written(node: Node, sort: str, path: str) -> Iterator[_Written]:
    for name, (_, experiment) in node.entries.items():
        patterns = experiment.get(sort)
        for number, item in enumerate(patterns.items if patterns else ()):
            where = join(join(join(path, name), sort), number)
            yield _Written(name, str(item.value), item.place, where)


def _told(one: _Written, two: _Written, name: str, sort: str) -> str:
    thing = sort.removesuffix("s")
    example = name or ANYTHING
    if one.text == two.text:
        return f"the {thing} {quote(two.text)} is given to {one.experiment} already"
    seen = "" if example in (one.text, two.text) else f", such as {quote(example)}"
    return (
        f"{quote(two.text)} and {quote(one.text)} of {one.experiment} match one {thing}{seen}; "
        "it can belong to one experiment only"
    )


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern, in which `*` is any number of characters, names something."""
    first, *others = pattern.split(ANYTHING)
    if not others:
        return name == first
    *middle, last = others
    if not name.startswith(first) or not name.endswith(last):
        return False
    rest = name[len(first) :]
    for part in middle:
        _, found, rest = rest.partition(part) if part else ("", True, rest)
        if not found:
            return False
    return len(rest) >= len(last)


def common(one: str, two: str) -> str | None:
    """Give a shortest name that two patterns match, None where there is none."""
    begin = (0, 0)
    names = {begin: ""}
    waiting = deque([begin])
    while waiting:
        at = waiting.popleft()
        if at == (len(one), len(two)):
            return names[at]
        for after, letter in _steps(one, two, *at):
            if after not in names:
                names[after] = names[at] + letter
                # Those that cost no letter first, so that what is found is shortest.
                (waiting.append if letter else waiting.appendleft)(after)
    return None


def _steps(one: str, two: str, i: int, j: int) -> Iterator[tuple[tuple[int, int], str]]:
    """Give where both patterns may go on from, and the letter that this takes."""
    left, right = one[i : i + 1], two[j : j + 1]
    if left == ANYTHING:
        yield (i + 1, j), ""
        if right and right != ANYTHING:
            yield (i, j + 1), right
    if right == ANYTHING:
        yield (i, j + 1), ""
        if left and left != ANYTHING:
            yield (i + 1, j), left
    if left == right and left not in ("", ANYTHING):
        yield (i + 1, j + 1), left


def of_scope(experiments: Experiments, scope: str) -> set[str]:
    """Experiments that a scope belongs to."""
    return {
        name
        for name, each in experiments.items()
        if any(matches(pattern, scope) for pattern in each.scopes)
    }


def of_account(experiments: Experiments, account: str) -> set[str]:
    """Experiments that an account belongs to."""
    return {
        name
        for name, each in experiments.items()
        if any(matches(pattern, account) for pattern in each.accounts)
    }
