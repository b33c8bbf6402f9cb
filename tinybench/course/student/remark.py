"What the doctor says, and how it changes a file"
from dataclasses import dataclass
from pathlib import Path
from tinybench.base.files import write_whole
from .workspace import Workspace


@dataclass(frozen=True)
class Remark:
    "Something that is wrong in a workspace: where, what, and what was done, '' if nothing could be."
    where:str
    says:str
    done:str=''
    def __str__(self): return f'{self.where}: {self.says}' + (f'\n    {self.done}' if self.done else '')

class Remarks(tuple):
    "What the doctor found."
    @property
    def healthy(self) -> bool: return not self
    @property
    def open(self) -> 'Remarks': return Remarks(r for r in self if not r.done)
    def __repr__(self): return '\n'.join(map(str, self)) or 'Nothing is wrong.'

def backup(ws:Workspace, path:Path, data:bytes) -> Path:
    "Put `data`, what stood in the file `path`, into `.doctor/`; where the copy is."
    names = (f'{path.stem}.before-doctor{f"-{i}" if i > 1 else ""}{path.suffix}' for i in range(1, 10**6))
    to = next(p for n in names if not (p := ws.root/'.doctor'/n).exists() or p.read_bytes() == data)
    to.parent.mkdir(exist_ok=True)
    if not to.exists(): write_whole(to, data)
    return to

def change(ws:Workspace, path:Path, old:bytes, new:bytes) -> bool:
    "Replace `old`, which must still be what the file holds, by `new`, after a backup; whether that was done."
    if old: backup(ws, path, old)
    if (path.read_bytes() if path.is_file() else b'') != old: return False
    write_whole(path, new)
    return True
