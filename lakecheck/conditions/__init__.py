"""The small language of `expect`: comparisons of document fields, with units."""

from lakecheck.conditions.grammar import parse
from lakecheck.conditions.judge import Judgement, judge
from lakecheck.conditions.tree import fields_of

__all__ = ["Judgement", "fields_of", "judge", "parse"]
