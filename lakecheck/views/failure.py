"""One check in a sentence, and all that is known of it in a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lakecheck.views import words
from lakecheck.views.outcome import Outcome, decode

FILELESS = ("consistency", "service", "usage")  # kinds whose errors speak of no file
LONGEST = 300  # characters of a message in a sentence
CREDENTIALS = "credentials::"  # how addresses of credentials' own checks begin


def sentence(document: Mapping[str, Any]) -> str:
    """Say what was done, where, what happened and on whose side, in one sentence."""
    return sentence_of(decode(document))


def explain(document: Mapping[str, Any]) -> str:
    """Give the sentence, what was promised and seen, the raw error and the commands, in lines."""
    outcome = decode(document)
    lines = [sentence_of(outcome)]
    for promise in outcome.expected:
        verdict = "kept" if promise.met else "broken"
        lines.append(f"  promised  {promise.condition}; seen {promise.seen} ({verdict})")
    if outcome.message:
        first, *rest = outcome.message.splitlines() or [""]
        lines.append(f"  error     {first}")
        lines += [f"            {line}" for line in rest]
        facts = error_facts(outcome)
        if facts:
            lines.append(f"            [{facts}]")
    lines += [
        f"  {'level  ' if number == 0 else '       '}   {trial}"
        for number, trial in enumerate(outcome.tried)
    ]
    lines += [
        f"  {'repeat ' if number == 0 else '       '}   {command}"
        for number, command in enumerate(outcome.repeat)
    ]
    return "\n".join(lines)


def error_facts(outcome: Outcome) -> str:
    """Give code, phase and host of an error where they are known: `code 110, phase write`."""
    pairs = (("code", outcome.code), ("phase", outcome.phase), ("host", outcome.host))
    return ", ".join(f"{name} {value}" for name, value in pairs if value)


def sentence_of(outcome: Outcome) -> str:
    """Say a decoded check in one sentence, without a full stop."""
    deed = _deed(outcome)
    match outcome.status:
        case "passed":
            return _join(f"{deed} passed", _after(outcome))
        case "skipped":
            return _because(f"{deed} was skipped", outcome.reason)
        case "not_run":
            return _because(f"{deed} was planned but not run", outcome.reason)
        case "blocked":
            return _blocked(deed, outcome)
        case "error" if outcome.address.startswith(CREDENTIALS) and outcome.message:
            name = outcome.address.removeprefix(CREDENTIALS).removesuffix(".valid")
            return f"credential {name} cannot be used: {outcome.message}"
        case "error":
            return _because(_join(f"{deed} could not be judged", _after(outcome)), cause(outcome))
    return _because(_join(f"{deed} {outcome.status}", _after(outcome)), cause(outcome))


def cause(outcome: Outcome) -> str:
    """Say what happened and whose side that is: `no answer (timeout; the storage's side)`."""
    if outcome.kind == "command" and outcome.message:  # what a plug-in says needs no translation
        return ": ".join(part for part in (outcome.severity, outcome.message) if part)
    if outcome.error_class:
        side = words.SIDES.get(outcome.side, outcome.side)
        whose = "; ".join(part for part in (outcome.error_class, side) if part)
        told = f"{happened(outcome)} ({whose})"
        return f"{told}; {diagnosis(outcome)}" if outcome.level else told
    if outcome.unmet:
        return "; ".join(f"promised {p.condition}, seen {p.seen}" for p in outcome.unmet)
    return outcome.reason or outcome.message


def happened(outcome: Outcome) -> str:
    """Say what happened: in the words of its class, or of its message where they fit no file."""
    if outcome.message.strip() and (outcome.side == "service" or outcome.kind in FILELESS):
        line = outcome.message.strip().splitlines()[0]
        return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
    return words.CLASSES.get(outcome.error_class, outcome.error_class)


def diagnosis(outcome: Outcome) -> str:
    """Say which level is broken: `what breaks is the direct copy (the destination's side)`."""
    level = words.LEVELS.get(outcome.level, outcome.level)
    if outcome.level == "storage":
        at_source = outcome.level_side == "source"
        return f"what breaks is {outcome.source if at_source else outcome.destination} by itself"
    side = words.SIDES.get(outcome.level_side, outcome.level_side)
    return f"what breaks is {level} ({side})" if side else f"what breaks is {level}"


def _deed(outcome: Outcome) -> str:
    over = f" over {outcome.protocol}" if outcome.protocol else ""
    if outcome.is_link:
        mode = f", {outcome.mode}" if outcome.mode else ""
        return f"{outcome.check} from {outcome.source} to {outcome.destination}{over}{mode}"
    if outcome.rse:
        return f"{words.STEPS.get(outcome.check, outcome.check + ' on')} {outcome.rse}{over}"
    return outcome.address


def _after(outcome: Outcome) -> str:
    return f"after {words.seconds(outcome.duration)}" if outcome.duration is not None else ""


def _blocked(deed: str, outcome: Outcome) -> str:
    text = f"{deed} was blocked"
    if outcome.blocked_by:
        text += f" by {outcome.blocked_by}"
    return _because(text, cause(outcome))


def _because(text: str, why: str) -> str:
    return f"{text}: {why}" if why else text


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)
