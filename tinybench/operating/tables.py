"All that is tried, in the order of the tables"
from . import alarms, families, power, shares
from .rows import Case

def all_cases() -> list[Case]: return [c for part in (alarms, power, families, shares) for c in part.cases()]
