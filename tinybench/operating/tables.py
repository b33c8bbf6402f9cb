"All that is tried, in the order of the tables"
from . import alarms, families, looking, power, shares
from .rows import Case

def all_cases() -> list[Case]: return [c for part in (alarms, power, looking, families, shares) for c in part.cases()]
