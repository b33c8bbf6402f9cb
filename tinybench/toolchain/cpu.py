"What a processor can do: how wide its vectors are, and how it multiplies bytes"
import functools, os, platform, sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    "What C is written for: a host, or a microcontroller as in `Target('cortex_m4', 4, dot='smlad')`."
    name: str
    vector_bytes: int           # in a vector register; the word, if there are none
    fma: bool = False           # a product and a sum in one instruction
    dot: str = ''               # the instruction that sums products of small integers, '' without one
    registers: int = 0          # for vectors
    def lanes(self, itemsize:int=4) -> int:
        "How many numbers of `itemsize` bytes one vector holds."
        return self.vector_bytes//itemsize

# the widest first: a name, what it takes, and what it gives
X86 = [
    (Target('avx512_vnni', 64, True, 'avx512_vnni', 32), {'avx512f', 'avx512bw', 'avx512vl', 'avx512_vnni'}),
    (Target('avx512', 64, True, '', 32), {'avx512f', 'avx512bw', 'avx512vl'}),
    (Target('avx2_vnni', 32, True, 'avx_vnni', 16), {'avx2', 'fma', 'avx_vnni'}),
    (Target('avx2', 32, True, '', 16), {'avx2', 'fma'}),
    (Target('sse2', 16, False, '', 16), set())]             # each 64-bit x86 has it
ARM = [
    (Target('neon_dot', 16, True, 'sdot', 32), {'asimddp'}),
    (Target('neon', 16, True, '', 32), set())]              # each 64-bit Arm has it
KINDS = {'x86_64': X86, 'amd64': X86, 'aarch64': ARM, 'arm64': ARM}

def target_of(machine:str, features:set[str]) -> Target:
    "The widest target of a `machine`, as `platform.machine()` says, with `features`, as Linux names them."
    wide = (t for t, needs in KINDS.get(machine.lower(), []) if needs <= features)
    return next(wide, Target('plain', 8 if sys.maxsize > 2**32 else 4))

MODEL = {'vendor_id', 'cpu family', 'model', 'model name', 'stepping',
         'CPU implementer', 'CPU part', 'CPU variant'}

def parse_cpuinfo(text:str) -> tuple[str, set[str]]:
    "Which model the first processor of a /proc/cpuinfo is, and its features."
    model, features = [], set()
    for line in text.strip().split('\n\n')[0].splitlines():
        name, _, value = (s.strip() for s in line.partition(':'))
        if name in MODEL: model.append(value)
        if name in ('flags', 'Features'): features = set(value.split())
    return ' '.join(model), features

# what macOS calls them
SYSCTL = {'hw.optional.avx2_0': 'avx2', 'hw.optional.fma': 'fma', 'hw.optional.avx512f': 'avx512f',
          'hw.optional.avx512bw': 'avx512bw', 'hw.optional.avx512vl': 'avx512vl',
          'hw.optional.arm.FEAT_DotProd': 'asimddp'}

def ask_sysctl() -> tuple[str, set[str]]:
    "Model and features of a Mac's processor."
    import ctypes
    def ask(name):
        value, size, none = ctypes.create_string_buffer(256), ctypes.c_size_t(256), ctypes.c_size_t(0)
        failed = ctypes.CDLL(None).sysctlbyname(name.encode(), value, ctypes.byref(size), None, none)
        return b'' if failed else value.raw[:size.value]
    return (ask('machdep.cpu.brand_string').rstrip(b'\0').decode('utf-8', 'replace'),
            {feature for name, feature in SYSCTL.items() if any(ask(name))})

@functools.cache
def processor() -> tuple[str, frozenset[str]]:
    "Model and features of this machine's processor, as far as the system tells."
    try:
        if sys.platform == 'darwin': model, features = ask_sysctl()
        else:
            # a processor takes two or three thousand bytes, and the first is enough
            with open('/proc/cpuinfo', 'rb', buffering=0) as f: text = f.read(1 << 14)
            model, features = parse_cpuinfo(text.decode('utf-8', 'replace'))
    except (OSError, AttributeError): model, features = os.environ.get('PROCESSOR_IDENTIFIER', ''), set()
    return model, frozenset(features)

def host() -> Target:
    "The target that is this machine."
    return target_of(platform.machine(), set(processor()[1]))

def cpu_key() -> str:
    "What a library compiled for this machine depends on: system, word, model and features."
    model, features = processor()
    bits = str(sys.maxsize.bit_length() + 1)
    return ' '.join([sys.platform, platform.machine(), bits, model, *sorted(features)])
