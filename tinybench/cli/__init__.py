"The command `tinybench`: measure, compare, profile and report, with results on stdout and the rest on stderr"
from .commands import main
