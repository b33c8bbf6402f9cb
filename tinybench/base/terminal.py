"What a command says to people: lines and a bar on stderr, and how it ends when something goes wrong"
import codecs, sys, unicodedata
from contextlib import contextmanager
from .process import bar_is_seen


NEAR = {'µ': 'u', 'μ': 'u', '×': 'x', '·': '.', '…': '...', '–': '-', '—': '-', '−': '-', '⁄': '/', '→': '->',
        '←': '<-', '≥': '>=', '≤': '<=', '≠': '!=', '≈': '~', '±': '+-', '°': ' ', '’': "'", '‘': "'",
        '“': '"', '”': '"'}

def near(e:UnicodeError) -> tuple[str, int]:
    "What `codecs` writes for characters that a code page lacks: `us` for `µs`, `e` for `é`, else a `?`."
    if not isinstance(e, UnicodeEncodeError): raise e
    def parts(c): return NEAR.get(c) or ''.join(NEAR.get(p, p) for p in unicodedata.normalize('NFKD', c))
    def plain(c): return parts(c).encode('ascii', 'ignore').decode() or '?'
    return ''.join(map(plain, e.object[e.start:e.end])), e.end

def write_anything():
    "Let stdout and stderr take every character, whatever their code page: a result is not lost for one."
    codecs.register_error('tinybench.near', near)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, 'reconfigure'): stream.reconfigure(errors='tinybench.near')

def echo(result) -> None:
    "Write a result and a line end on stdout, in its own code page."
    sys.stdout.write(f'{result}\n')
    sys.stdout.flush()

def say(text:str) -> None:
    "Write a line on stderr: stdout is for results."
    sys.stderr.write(f'{text}\n')
    sys.stderr.flush()

@contextmanager
def bar(what:str):
    "A function to call with (done, of, text): it draws a bar on stderr if anybody sees it there."
    from tqdm import tqdm
    with tqdm(desc=what, leave=False, disable=not bar_is_seen()) as drawn:
        def tell(done, of, text=''):
            drawn.total = of
            drawn.set_postfix_str(str(text)[:30], refresh=done == drawn.n)
            drawn.update(done - drawn.n)
        yield tell


class GaveUp(SystemExit): "The end of a command that has said why."

def give_up(why:str, status:int=1) -> None:
    "End the process with a line on stderr."
    say(f'tinybench: {why}')
    raise GaveUp(status)

def error_line(e:Exception) -> str:
    "An error as one says it: with the file that it is about, without a number; its type if it has no words."
    text = getattr(e, 'strerror', None) or str(e) or type(e).__name__
    return f'{text}: {e.filename}' if getattr(e, 'filename', None) else text

@contextmanager
def told(*errors:type[Exception]):
    "Turn these errors, which the caller can put right, into a line on stderr and status 1."
    try: yield
    except BrokenPipeError: raise    # `| head` has seen enough: Typer knows what to do
    except errors as e: give_up(error_line(e))

@contextmanager
def stoppable(kept:str):
    "Turn Ctrl-C into status 130 and a line that says what was `kept`."
    try: yield
    except KeyboardInterrupt:
        say('')
        give_up(f'stopped; {kept}', 130)
