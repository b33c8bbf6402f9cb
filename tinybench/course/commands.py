"What the commands of those who teach and those who learn share"
from contextlib import contextmanager
from inspect import cleandoc
import typer
from tinybench.base.terminal import give_up, stoppable, told

@contextmanager
def explained():
    "Turn what a person can put right into a line on stderr and status 1, Ctrl-C into status 130."
    with stoppable('nothing is half-written, and the same command may be run again'):
        try: from .cells import CourseError
        except ModuleNotFoundError as e:
            give_up(f'the course needs {e.name}: pip install "tinybench-ml[course]"')
        with told(CourseError, OSError): yield

def group(about:str) -> typer.Typer:
    "A Typer app without commands yet, with `about` as its help."
    return typer.Typer(help=about, no_args_is_help=True, add_completion=False, rich_markup_mode=None,
                       pretty_exceptions_enable=False)

def command(app:typer.Typer, example:str):
    "Make a function a command of `app` that is `explained`, with an `example` below what its docstring says."
    def add(f):
        f.__doc__ = f'{cleandoc(f.__doc__)}\n\nExample: {example}'
        return app.command()(explained()(f))
    return add
