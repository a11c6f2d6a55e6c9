"""What the YAML parser says, in words that help."""

from __future__ import annotations

import yaml

# A part of the parser's message (its C and Python versions differ in the rest) → our sentence.
_SENTENCES = (
    (
        "alphabetic or numeric character",
        '"*" and "&" begin an alias or anchor in YAML; '
        "put an expression that begins with one in quotes",
    ),
    (
        "mapping values are not allowed",
        'a ": " where no map can begin; '
        "put a text that holds one in quotes, or check the indentation",
    ),
    ("could not find expected ':'", 'a key without ":" after it'),
    (
        "did not find expected key",
        "no key where one should be; check the indentation, "
        "and that quotes and brackets are closed",
    ),
    ("did not find expected '-'", 'a list item without a "-", or a wrong indentation'),
    ("did not find expected ',' or", "a bracket that is not closed, or a comma that is missing"),
    ("expected node content", "a value or a closing bracket is missing"),
    ("unexpected end of stream", "a quote that is not closed"),
)
_ALSO = (
    ("expected alphabetic or numeric", 0),
    ("expected <block end>, but found '-'", 4),
    ("expected <block end>", 3),
    ("expected ',' or", 5),
)  # fmt: skip


def explain(error: yaml.MarkedYAMLError, text: str) -> str:
    """Turn a syntax error into one sentence."""
    problem = error.problem or error.context or "it cannot be read"
    mark = error.problem_mark
    if mark and _tab_at(text, mark.line, mark.column):
        return "a tab; YAML is indented with spaces"
    for part, sentence in _SENTENCES:
        if part in problem:
            return f"not valid YAML: {sentence}"
    for part, index in _ALSO:
        if part in problem:
            return f"not valid YAML: {_SENTENCES[index][1]}"
    return f"not valid YAML: {problem}"


def _tab_at(text: str, line: int, column: int) -> bool:
    lines = text.split("\n")
    if line >= len(lines):
        return False
    before = lines[line][: column + 1]
    return "\t" in before and not before.replace("\t", "").strip(" ")
