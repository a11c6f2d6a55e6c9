"""What the YAML parser says, in words that help."""

from __future__ import annotations

import yaml

_BLOCK = (
    "no key where one should be; check the indentation, and that quotes and brackets are closed"
)

# Parts of the parser's messages (its C and its Python version differ) and our sentence.
_SENTENCES = (
    (
        ("expected alphabetic or numeric",),
        '"*" and "&" begin an alias or anchor in YAML; '
        "put an expression that begins with one in quotes",
    ),
    (
        ("mapping values are not allowed",),
        'a ": " where no map can begin; put a text that holds one in quotes, '
        "or check the indentation",
    ),
    (("could not find expected ':'",), 'a key without ":" after it'),
    (
        ("did not find expected '-'", "expected <block end>, but found '-'"),
        'a list item without a "-", or a wrong indentation',
    ),
    (("did not find expected key", "expected <block end>"), _BLOCK),
    (
        ("did not find expected ','", "expected ',' or"),
        "a bracket that is not closed, or a comma that is missing",
    ),
    (("node content",), "a value or a closing bracket is missing"),
    (("unexpected end of stream",), "a quote that is not closed"),
)


def explain(error: yaml.MarkedYAMLError, text: str) -> str:
    """Turn a syntax error into one sentence."""
    problem = error.problem or error.context or "it cannot be read"
    mark = error.problem_mark
    if mark and _tab_at(text, mark.line, mark.column):
        return "a tab; YAML is indented with spaces"
    for parts, sentence in _SENTENCES:
        if any(part in problem for part in parts):
            return f"not valid YAML: {sentence}"
    return f"not valid YAML: {problem}"


def _tab_at(text: str, line: int, column: int) -> bool:
    lines = text.split("\n")
    if line >= len(lines):
        return False
    before = lines[line][: column + 1]
    return "\t" in before and not before.replace("\t", "").strip(" ")
