"What came of a cell: taken from a process that is not trusted, so that nothing but text is left of it"
from dataclasses import dataclass, field
from ..cells import plain_text


@dataclass
class Outcome:
    "What came of one cell: nbformat outputs, seconds, the error in one line, and what the engine noted."
    id: str
    outputs: list = field(default_factory=list)
    secs: float = 0.
    error: str = ''
    note: str = ''

def as_outcome(id, reply, seconds, most=1 << 20, check=False) -> Outcome:
    "The outcome of a cell from the child's reply, of which nothing is taken on trust but its text."
    outputs = trimmed([plain_text(known) for o in reply['outputs'] if (known := only_known(o))], most)
    note, secs = plain_text(str(reply.get('note', ''))[:1000]), reply.get('secs')
    if check and any(o['output_type'] == 'execute_result' for o in outputs):
        outputs = [o for o in outputs if o['output_type'] != 'execute_result']  # to nbgrader, partial credit
        note = '; '.join(filter(None, [note, 'gave a result of its own, which is left out']))
    if reply['stopped']:
        outputs = [o for o in outputs if o['output_type'] != 'error']
        outputs.append(failed('TimeoutError', f'stopped after {seconds:g} s'))
    errors = [o for o in outputs if o['output_type'] == 'error']
    if reply.get('held') is not True and not errors:  # an error that says odd things is one too
        errors = [failed('NotHeld', 'it did not come to its end')]
        outputs += errors
    return Outcome(id, outputs, float(secs) if isinstance(secs, float) else 0.,
                   first_line(errors[-1]) if errors else '', note)

def first_line(error) -> str:
    "What an error output says, in one line that is never empty."
    lines = f'{error["ename"]}: {error["evalue"]}'.rstrip(': ').splitlines()
    return lines[0][:300] if lines and lines[0] else 'an error without a name'

def failed(name, message) -> dict:
    "An nbformat error output for what the engine, not Python, found."
    return dict(output_type='error', ename=name, evalue=message, traceback=[f'{name}: {message}'])

FIELDS = dict(stream=dict(name=str, text=str), error=dict(ename=str, evalue=str, traceback=list),
              display_data=dict(data=dict, metadata=dict), execute_result=dict(data=dict, metadata=dict))

def only_known(o) -> dict|None:
    "The output `o` without keys that nbformat does not know; None if it is none that holds nothing but text."
    kind = o.get('output_type') if isinstance(o, dict) else None
    fields = FIELDS.get(kind, {}) if isinstance(kind, str) else {}
    if not fields or not all(isinstance(o.get(k), t) for k, t in fields.items()): return None
    parts = [o[k] if k == 'traceback' else o[k].values() for k in fields if k in ('traceback', 'data')]
    if not all(isinstance(text, str) for texts in parts for text in texts): return None
    kept = dict(output_type=kind) | {k: {} if k == 'metadata' else o[k] for k in fields}
    return kept | dict(execution_count=None) if kind == 'execute_result' else kept

def trimmed(outputs, most) -> list:
    "The outputs, without what exceeds `most` characters together; of errors the first stays, shortened."
    kept, left = [], most
    for o in outputs:
        left -= len(str(o))
        if left >= 0: kept.append(o)
        elif o['output_type'] == 'error' and not any(k['output_type'] == 'error' for k in kept):
            kept.append(failed(o['ename'][:100], o['evalue'][:4000]))
    return kept

def fatal(id, how, secs=0.) -> Outcome:
    "The outcome of a cell that ended its process."
    found = Outcome(id, [failed('ProcessEnded', how)], secs, f'ended its process: {how}',
                    note='the other cells ran again without this one')
    found.fatal = True
    return found
