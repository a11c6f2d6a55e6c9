"""From a spec to the cases that will run: a pure function of its arguments."""

from lakecheck.plan.expand import expand
from lakecheck.plan.select import Selection, check_names, chosen_cases, select
from lakecheck.plan.totals import Plan, totals

__all__ = ["Plan", "Selection", "check_names", "chosen_cases", "expand", "select", "totals"]
