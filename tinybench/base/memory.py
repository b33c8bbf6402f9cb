"Memory of this process, as the system counts it"
import ctypes, gc
from pathlib import Path

from .files import read_text

def counts(name:str) -> dict[str, int]:
    "Bytes by word of a file of /proc/self that Linux writes in kB; OSError elsewhere."
    lines = (line.split() for line in read_text(Path('/proc/self', name)).splitlines())
    return {w[0].rstrip(':'): 1024*int(w[1]) for w in lines if len(w) == 3 and w[2] == 'kB'}

def resident() -> dict[str, int]:
    """Bytes of this process as Linux counts them: `Rss`, resident now; `Anonymous`, of it of no file;
    `VmHWM`, most resident since `settle`. OSError elsewhere."""
    # the first is exact; the last may miss some pages of a peak that has passed
    found = counts('smaps_rollup') | counts('status')
    return {k: found[k] for k in ('Rss', 'Anonymous', 'VmHWM')}

def peak_bytes() -> int|None:
    "Most bytes that this process had resident, as Linux counts them; None elsewhere."
    try: return counts('status').get('VmHWM')
    except OSError: return None

def settle():
    "Gives back what is free, and begins the peak anew; OSError if the system does not let us."
    gc.collect()
    # what is free but kept would be filled first, and that growth would be seen by nobody
    if trim := getattr(ctypes.CDLL(None), 'malloc_trim', None): trim(0)
    with open('/proc/self/clear_refs', 'w') as f: f.write('5')
