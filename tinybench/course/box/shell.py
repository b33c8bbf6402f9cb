"Cells in IPython's shell, and what they print, as nbformat outputs of a limited length (inside the walls)"
import io, sys, traceback, types


class Said(io.TextIOBase):
    "Takes the first `limit` characters of what is printed into `outputs`, as nbformat streams called `name`."
    full = False
    def __init__(self, outputs, name, limit):
        self.outputs, self.name, self.left, self.limit = outputs, name, limit, limit
    def writable(self): return True
    def write(self, text):
        if not isinstance(text, str): raise TypeError(f'write() takes a str, not {type(text).__name__}')
        kept, self.left = text[:self.left], self.left - min(self.left, len(text))
        if kept != text and not self.full:
            self.full = True
            kept += f'\n... the rest is left out: more than {self.limit:,} characters\n'
        last = self.outputs[-1] if self.outputs else {}
        if kept and last.get('name') == self.name: last['text'].append(kept)
        elif kept: self.outputs.append(dict(output_type='stream', name=self.name, text=[kept]))
        return len(text)

def joined(outputs, most=1 << 20) -> list:
    """The outputs while they have `most` characters together, and in any case the first error, shortened.
    A stream's pieces become one text here: to join them at each of a million lines takes minutes."""
    kept = []
    for o in outputs:
        if most < 0 and o['output_type'] != 'error': continue  # there may be a million
        if o['output_type'] == 'stream': o = o | dict(text=''.join(o['text']))
        most -= len(str(o))
        if most >= 0: kept.append(o)
        elif o['output_type'] == 'error' and not any(k['output_type'] == 'error' for k in kept):
            kept.append(failed(o['ename'][:100], o['evalue'][:4000]))
    return kept

def failed(name, message) -> dict:
    "An nbformat error output for what the engine, not Python, found."
    return dict(output_type='error', ename=name, evalue=message, traceback=[f'{name}: {message}'])

def as_error(e, limit=4000) -> dict:
    "The exception as an nbformat error output, its message cut to `limit` characters."
    def text(x): return ''.join([x])[:limit]  # joined: a plain str, also from a student's own kind of it
    # each is caught whole: the class, its name and its message are a student's code, which may raise anything
    try: name = text(type.__getattribute__(type(e), '__name__'))[:100]
    except BaseException: name = 'Exception'
    try: value = text(str(e))
    except BaseException as again: value = f'(its message raises {type(again).__name__})'
    try:
        parts = traceback.format_exception(type(e), e, own_part(e.__traceback__), limit=-12)
        lines = ''.join(parts).splitlines()
        lines[-1:-1] = getattr(e, 'there', [])   # the part of the answer's process
    except BaseException: lines = [f'{name}: {value}']
    kept = [line[:300] for line in lines][-60:]
    return dict(output_type='error', ename=name, evalue=value, traceback=kept)

def own_part(tb):
    "The part of a traceback that begins in a cell or check, without the frames of the machinery above it."
    start = tb
    while tb is not None:
        if tb.tb_frame.f_code.co_filename.startswith(('<check>', '<ipython-input')): return tb
        tb = tb.tb_next
    return start

class Shell:
    "IPython's shell, made once before the fork; `run` gives the nbformat outputs of a cell."
    unsure = False   # whether a cell has run that may have replaced what checks and other cells lean on
    def __init__(self):
        from traitlets.config import Config
        from IPython.core.interactiveshell import InteractiveShell
        quiet = dict(HistoryManager=dict(enabled=False), InteractiveShell=dict(colors='NoColor'))
        self.module = types.ModuleType('__main__')
        self.ip = InteractiveShell.instance(config=Config(quiet), user_module=self.module)
        self.ip.display_formatter.active_types = ['text/plain', 'text/html', 'text/markdown']
        sys.modules['__main__'] = self.module
        self.names, self.outputs = self.module.__dict__, []
        self.names.pop('open', None)  # IPython's own, which would look like a student's
        self.ip.display_pub.publish = self.publish
        hook = self.ip.displayhook
        hook.start_displayhook = hook.write_output_prompt = hook.finish_displayhook = lambda: None
        hook.write_format_data = self.value
        self.ip.showtraceback = self.ip.showsyntaxerror = self.error
        self.ip.enable_gui = lambda gui=None: None  # what `%matplotlib inline` asks for
        self.run_cell = self.ip.run_cell
    def error(self, exc_tuple=None, *args, **kwargs):
        e = (exc_tuple if isinstance(exc_tuple, tuple) else sys.exc_info())[1]
        if e is not None: self.outputs.append(as_error(e))
    def publish(self, data, metadata=None, **kwargs):
        self.outputs.append(dict(output_type='display_data', data=texts(data), metadata={}))
    def value(self, data, metadata=None):
        self.outputs.append(dict(output_type='execute_result', data=texts(data), metadata={},
                                 execution_count=None))
    def run(self, source, outputs):
        self.outputs = outputs
        self.run_cell(source, store_history=False)

def texts(data, limit=20_000) -> dict:
    "The text parts of a display's data, each cut to `limit` characters."
    return {kind: str(text)[:limit] for kind, text in data.items() if kind.startswith('text/')}
