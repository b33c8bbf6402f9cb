"All that is tried, in the order of the tables"
from functools import cache
from . import alarms, coverage, families, power, separate, shares, suites, whole
from .rows import Case

@cache
def all_cases() -> tuple[Case, ...]:
    "Every `Case`, the same ones at each call."
    parts = alarms, power, whole, families, suites, coverage, shares, separate
    return tuple(c for part in parts for c in part.cases())
