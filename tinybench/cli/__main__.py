"`python -m tinybench.cli` is the command `tinybench`"
from .commands import main

if __name__ == '__main__': main()
