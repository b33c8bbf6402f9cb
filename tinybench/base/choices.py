"What a student guessed and chose, in one small file that later lessons read"
import getpass, json, threading
from datetime import datetime, timezone
from pathlib import Path
from .files import exclusive, read_text, write_whole

CHOICES = 'tinybench-choices.json'
WRITING = threading.Lock()    # one thread at a time, even where the system cannot keep out other processes

def user() -> str:
    "The name of who uses this machine; 'student' if it does not know."
    try: return getpass.getuser()
    except (OSError, KeyError, ImportError): return 'student'

class Choices:
    "What a student guessed and chose, in a JSON file that is written whole; `who` is this machine's user."
    def __init__(self, path=CHOICES, who:str|None=None):
        self.path, self.who = Path(path).absolute(), who or user()
    def read(self) -> list[dict]:
        "All entries, oldest first; ValueError if the file is no such file."
        if not self.path.exists(): return []
        try:
            kept = json.loads(read_text(self.path))
            if kept['schema'] != 1 or not all({'who', 'explorer'} <= set(e) for e in kept['entries']):
                raise ValueError
            return list(kept['entries'])
        except (ValueError, KeyError, TypeError): raise ValueError(
            f'{self.path} has no choices that can be read: move it away, or give another path') from None
    def note(self, explorer:str, **what) -> dict:
        "Adds an entry, such as guess=3 or kept={…}, and returns it; TypeError if JSON cannot hold it."
        now = datetime.now(timezone.utc).isoformat(timespec='seconds')
        entry = dict(who=self.who, when=now, explorer=explorer, **what)
        lock = self.path.with_name(f'.{self.path.name}.lock')    # the file itself is replaced
        with WRITING, exclusive(lock):
            kept = dict(schema=1, entries=[*self.read(), entry])
            write_whole(self.path, json.dumps(kept, indent=1, allow_nan=False) + '\n')
        return entry
    def last(self, explorer:str, key:str):
        "The newest `key` of this person for this explorer; None if there is none."
        mine = [e for e in self.read() if e['who'] == self.who and e['explorer'] == explorer and key in e]
        return mine[-1][key] if mine else None
