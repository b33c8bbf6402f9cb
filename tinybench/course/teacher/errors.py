"What an error in a cell says, in words for people, and in which line it was raised"
import ast, re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ..trees import parsed

ESCAPES = re.compile(r'\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?')
CONTROLS = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')

def clean(text, most:int=2000) -> str:
    "`text` without escape sequences and control characters, and without its middle if longer than `most`."
    text = str(text)
    if len(text) > 20*most: text = text[:10*most] + text[-10*most:]
    text = CONTROLS.sub('', ESCAPES.sub('', text.replace('\r\n', '\n')))
    return text if len(text) <= most else f'{text[:most//2]} … {text[-(most//4):]}'

def brief(text, most:int=240) -> str:
    "The same, on one line."
    return ' '.join(clean(text, 4*most).split())[:most]

def halves(text:str) -> tuple[str, str]|None:
    "Two values printed one below the other, taken apart; None where it is not plain where the first ends."
    lines = text.split('\n')
    if len(lines) > 400: return None
    both = [('\n'.join(lines[:i]), '\n'.join(lines[i:])) for i in range(1, len(lines))]
    whole = [p for p in both if all(x.count(a) == x.count(b) for x in p for a, b in ('()', '[]', '{}'))]
    if len(whole) == 1: return whole[0]
    return both[len(both)//2] if len(both) % 2 else None

FASTCORE = re.compile(r'\A([!=<>]=|[\w ]{1,20}):\n(.+)\Z', re.S)
NUMPY = re.compile(r'\n *(?:ACTUAL|x): (.*?)\n *(?:DESIRED|y): (.*)\Z', re.S)

def compared(message:str) -> tuple[str, str, str]|None:
    "Kind, what came and what was expected, of a failed fastcore or numpy test; None for another message."
    if found := NUMPY.search(message):
        return 'close' if 'tolerance' in message or 'almost' in message else '==', *found.groups()
    found = FASTCORE.match(message)
    pair = found and halves(found[2])
    return (found[1], *pair) if pair else None

SAID = {
    'NotImplementedError': 'Not written yet.',
    'CellTimeoutError': 'It took too long and was stopped.',
    'TimeoutError': 'It took too long and was stopped.',
    'KeyboardInterrupt': 'It was interrupted.',
    'DeadKernelError': 'The program that ran it died.',
    'MemoryError': 'It wanted more memory than there is.',
    'RecursionError': 'It calls itself without end.',
    'ProcessEnded': 'It ended the process that it ran in.',
    'NotHeld': 'It did not get to its end.',
    'NotRun': 'It was not run: the time for the whole submission was used up.',
    'StdinNotImplementedError': 'It asks for input, and nobody answers while it is graded.',
}
KINDS = {'==': 'should be equal', 'close': 'should be close', '!=': 'should differ'}

def error_words(name:str, value:str) -> str:
    "An exception, by the name of its type and its message, as a sentence."
    value = clean(value, 8000)
    if name == 'ProcessEnded' and value: return f'It ended the process that it ran in: {brief(value)}.'
    if name != 'AssertionError':
        value = re.sub(r' \((?:<?[\w.-]+>?), line (\d+)\)$', r' in line \1', value)
        return SAID.get(name) or brief(f'{name}: {value}'.rstrip(': '))
    if two := compared(value):
        kind, got, expected = map(brief, two)
        values = f': {got} came, and {expected} was expected' if len(two[1] + two[2]) < 120 else ''
        return f'Two values {KINDS.get(kind, "do not fit")}{values}.'
    found = re.match(r'Expected (\w+) but none raised', value)
    if found: return f'{found[1]} should be raised, and is not.'
    return brief(value) or 'An assertion does not hold.'

def failure(outputs:Iterable[Mapping]) -> Mapping|None:
    "The last error among the outputs of a cell."
    return next((o for o in reversed([*outputs]) if o['output_type'] == 'error'), None)

def sentence(outputs:Iterable[Mapping]) -> str:
    "The last error among the outputs of a cell, in one line for people; '' where there is none."
    error = failure(outputs)
    return error_words(error['ename'], error['evalue']) if error else ''

CHAINED = re.compile(r'(?m)^(?:During handling of|The above exception).*$')
FRAME = re.compile(r'(?m)^-+> ?(\d+) (.*)$|^ +File "[^"\n]+", line (\d+).*\n    (.*)$')

def frames(error:Mapping) -> list[tuple[int, str]]:
    "Number and text of the lines in an error's traceback, innermost last; of a chain, of its end."
    text = CHAINED.split(clean('\n'.join(error['traceback']), 200_000))[-1]
    return [(int(m[1] or m[3]), (m[2] or m[4] or '').strip()) for m in FRAME.finditer(text)]

def raised_at(error:Mapping, source:str, cut:int=280) -> tuple[int, int]:
    """How far in, from 1, a traceback was last in a line of `source`, and that line; or (0, 0). Long lines
    are compared by their first `cut` characters: the grader keeps 300 of a line."""
    lines = [line.strip()[:cut] for line in source.split('\n')]
    found = [(i, n) for i,(n, text) in enumerate(frames(error), 1) if text and lines[n-1:n] == [text[:cut]]]
    return found[-1] if found else (0, 0)

def statement(source:str, n:int) -> tuple[str, ast.stmt|None]:
    "The smallest statement of `source` that line `n` is in, text and tree; else the bare line."
    line = source.split('\n')[n-1].strip() if n else ''
    tree = parsed(source)
    nodes = [s for s in ast.walk(tree or ast.Module([], []))
             if isinstance(s, ast.stmt) and s.lineno <= n <= s.end_lineno]
    simple = [s for s in nodes if not hasattr(s, 'body')]
    # `with expect_fail(...): f()` fails as a whole
    if len(simple) != 1 or any(isinstance(s, ast.With) and s.lineno == n for s in nodes): return line, None
    return ast.get_source_segment(source, simple[0]), simple[0]

def asked(tree:ast.stmt|None) -> str:
    "The right side of `assert left == right`, where it is a plain value; else ''."
    match tree:
        case ast.Assert(test=ast.Compare(ops=[ast.Eq()], comparators=[right])):
            with suppress(ValueError, TypeError):
                ast.literal_eval(right)
                return ast.unparse(right)
    return ''
