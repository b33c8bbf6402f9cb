"The device side of MLPerf Tiny's serial protocol, in C without a library: a host loads inputs, asks, listens"
from dataclasses import dataclass
import numpy as np

from ..base.names import lookup
from ..nn.module import Module, Sequential
from ..optimize.integer import Dequantize, IntegerSoftmax, Quantize
from ..optimize.quantize import Grid, from_grid, to_grid


# Registers of the device page, in bytes from its start. A real board has a UART, a timer and a pin there.
STATUS, DATA, MICROS, MICROS_HIGH, MARK = 0x100, 0x104, 0x108, 0x10C, 0x110
LINE = 80           # characters of a command, as in the reference
LOADED = 31         # bytes that a host sends with one `db`: 2 digits each fit in a line
MOST = 1_000_000    # inferences of one command
PROFILE = 'ULPMark for tinyML Firmware V0.0.1'      # by this a runner knows the protocol

C = '''
/* The serial protocol of MLPerf Tiny: a command ends in %, its answer in m-ready. */
#include <stdint.h>
#include "device.h"
#include "{name}.h"
#define REGISTER(at) (*(volatile uint32_t *)((uintptr_t)DEVICE + (at)))
enum { LINE = @line, BYTES = @bytes, X = @x, Y = @y, MOST = @most };
static uint8_t db[BYTES] __attribute__((aligned(4)));      /* what a host has loaded */
static uint32_t db_size, db_filled;
static int8_t x[X] __attribute__((aligned(4))), y[Y] __attribute__((aligned(4)));
static int answered;

static char get(void)
{
    while (!(REGISTER(@status) & 1)) {}
    return (char)REGISTER(@data);
}
static void put(char c) { REGISTER(@data) = (uint8_t)c; }
static void text(const char *s) { while (*s) put(*s++); }
static void end(void) { text("\\r\\n"); }
static void line(const char *s) { text(s); end(); }

/* at least `least` digits */
static void digits(uint64_t n, int least)
{
    char found[20];
    int k = 0;
    for (; n || k < least; n /= 10) found[k++] = (char)('0' + n % 10);
    while (k) put(found[--k]);
}
static void millionths(uint64_t n) { digits(n/1000000, 1), put('.'), digits(n % 1000000, 6); }
static void hex(uint8_t b)
{
    static const char D[] = "0123456789abcdef";
    put(D[b >> 4]), put(D[b & 15]);
}

/* an error: what was wrong, the word that was, how it is right */
static void error(const char *before, const char *word, const char *behind)
{
    text("e-["), text(before);
    for (; word && *word; word++) put(*word < ' ' || *word > '~' ? '?' : *word);
    text(behind), line("]");
}
static void numbered(const char *before, uint32_t n, const char *behind)
{
    text(before), digits(n, 1), line(behind);
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}
/* the next word of a command, or 0; `at` is then behind it */
static char *word(char **at)
{
    char *start = *at, *stop;
    while (*start == ' ') start++;
    for (stop = start; *stop && *stop != ' '; stop++) {}
    *at = *stop ? stop + 1 : stop;
    *stop = 0;
    return *start ? start : 0;
}
/* whether `s` is a whole number of at most `most`, which is then at `n` */
static int whole(const char *s, uint32_t most, uint32_t *n)
{
    uint32_t sum = 0;
    if (!*s) return 0;
    for (; *s; s++) {
        if (*s < '0' || *s > '9' || sum > most/10) return 0;
        sum = 10*sum + (uint32_t)(*s - '0');
    }
    *n = sum;
    return sum <= most;
}
static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
           c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
@input
@output
static void timestamp(void)
{
    uint64_t low = REGISTER(@micros);      /* and keeps the high half of the same moment */
    text("m-lap-us-"), digits((uint64_t)REGISTER(@high) << 32 | low, 1), end();
}
static void once(void)
{
    REGISTER(@mark) = 1;
    {name}_run(x, y, {name}_arena, {name}_weights);
    REGISTER(@mark) = 0;
    if (REGISTER(@mark)) line("m-[still inferring]");   /* emulated, a window may outlast a host's patience */
}

static void db_load(char *n)
{
    uint32_t size;
    if (!n) return error("db load takes the number of bytes", 0, "");
    if (!whole(n, BYTES, &size) || !size)
        return error("db load ", n, ": it takes a whole number from 1 to @bytes");
    db_size = size, db_filled = 0, answered = 0;
    numbered("m-[Expecting ", size, " bytes]");
}
static void db_print(char **at)
{
    char *n = word(at), *from = word(at);
    uint32_t count = db_filled, first = 0;
    if ((n && !whole(n, BYTES, &count)) || (from && !whole(from, BYTES, &first)))
        return error("db print takes how many bytes, and from which on", 0, "");
    if (first > db_filled) first = db_filled;
    if (count > db_filled - first) count = db_filled - first;
    for (uint32_t i = 0; i < count; i++) {
        if (!(i & 7)) text("m-buffer-");
        hex(db[first + i]);
        if ((i & 7) == 7 || i + 1 == count) end();
        else put('-');
    }
}
/* all digits are looked at before a byte is kept; those behind the last byte that is due are dropped */
static void db_bytes(const char *s)
{
    uint32_t n = 0;
    if (!db_size) return error("db load N comes before the bytes", 0, "");
    if (db_filled == db_size) return error("all bytes are there: db load N comes before more", 0, "");
    for (; s[n]; n++)
        if (nibble(s[n]) < 0) return error("db ", s, ": bytes are written in hexadecimal digits");
    if (n & 1) return error("a byte takes two hexadecimal digits, and one is left over", 0, "");
    for (; *s && db_filled < db_size; s += 2)
        db[db_filled++] = (uint8_t)(nibble(s[0]) << 4 | nibble(s[1]));
    if (db_filled == db_size) line("m-load-done");
}
static void buffer(char **at)
{
    char *what = word(at);
    if (!what) error("db takes load N, print, or bytes in hexadecimal digits", 0, "");
    else if (same(what, "load")) db_load(word(at));
    else if (same(what, "print")) db_print(at);
    else db_bytes(what);
}

static void infer(char **at)
{
    char *often = word(at), *before = word(at);
    uint32_t n = 1, warm = 10;
    if (often && (!whole(often, MOST, &n) || !n))
        return error("infer ", often, ": iterations are a whole number from 1 to @most");
    if (before && !whole(before, MOST, &warm))
        return error("infer ", before, ": warm-ups are a whole number from 0 to @most");
    if (db_size != BYTES || db_filled != BYTES)
        return error("infer needs an input of @bytes bytes: db load @bytes, and then the bytes", 0, "");
    if (!tensor()) return;
    numbered("m-warmup-start-", warm, "");
    while (warm--) once();
    line("m-warmup-done");
    numbered("m-infer-start-", n, "");
    timestamp();
    while (n--) once();
    timestamp();
    line("m-infer-done");
    answered = 1;
    results();
}
static void help(void)
{
    line("@profile"), end();
    line("help          : Print this");
    line("name          : Print the name of the device");
    line("profile       : Print the firmware and the model");
    line("timestamp     : Print the time in microseconds");
    line("db SUBCMD     : Fill or show the buffer of the input");
    line("  load N      : Expect N bytes");
    line("  HH[HH]*     : Take bytes in hexadecimal digits until there are N");
    line("  print [N] [offset]");
    line("              : Print N bytes from the offset on; all by default");
    line("infer [N=1] [W=10]: Load the input, infer W times to warm up, N times between two timestamps");
    line("results       : Print the last result again");
}
static void obey(char *at)
{
    char *c = word(&at);
    if (!c) error("no command: help lists them", 0, "");
    else if (same(c, "name")) line("m-name-dut-[@name]");
    else if (same(c, "profile")) line("m-profile-[@profile]"), line("m-model-[@model]");
    else if (same(c, "timestamp")) timestamp();
    else if (same(c, "db")) buffer(&at);
    else if (same(c, "infer")) infer(&at);
    else if (same(c, "results")) {
        if (answered) results();
        else error("nothing was inferred from this input: infer comes first", 0, "");
    }
    else if (same(c, "help")) help();
    else error("Unknown command: ", c, "; help lists them");
    line("m-ready");
}

int main(void)
{
    static char command[LINE + 1];
    uint32_t n = 0;
    line("m-init-done"), line("m-ready");
    for (;;) {
        char c = get();
        if (c == '%') {
            command[n < LINE ? n : LINE] = 0;
            if (n <= LINE) obey(command);
            else error("a command has at most @line characters", 0, ""), line("m-ready");
            n = 0;
        }
        else if (c && c != '\\r' && c != '\\n') {
            if (n < LINE) command[n] = c;
            if (n <= LINE) n++;
        }
    }
}
'''

CODES_IN = '''
/* the bytes are the codes of the input */
static int tensor(void)
{
    for (int i = 0; i < X; i++) x[i] = (int8_t)db[i];
    return 1;
}
'''
PIXELS_IN = '''
/* the bytes are numbers from 0 to 255, and each has its code */
static const int8_t CODE_OF[256] = {@table};
static int tensor(void)
{
    for (int i = 0; i < X; i++) x[i] = CODE_OF[db[i]];
    return 1;
}
'''
FLOATS_IN = '''
/* The bytes are float32. Their order is that of whole numbers, once those below 0 are turned around, and a
   code is how many of its 255 limits a number reaches: so the codes are exact without a unit for floats. */
static const int32_t LIMITS[256] = {@table};
static int tensor(void)
{
    for (int i = 0; i < X; i++) {
        const uint8_t *p = db + 4*i;
        uint32_t bits = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        int32_t v = (int32_t)(bits >> 31 ? bits ^ 0x7fffffff : bits), reached = 0;
        if ((bits >> 23 & 255) == 255) return error("the input holds a NaN or an infinity", 0, ""), 0;
        for (int step = 128; step; step /= 2) if (v >= LIMITS[reached + step - 1]) reached += step;
        x[i] = (int8_t)(reached - 128);
    }
    return 1;
}
'''
SHARES_OUT = '''
/* what a code stands for, in millionths */
static const uint32_t SHARE[256] = {@table};
static void results(void)
{
    text("m-results-[");
    for (int i = 0; i < Y; i++) {
        if (i) put(',');
        millionths(SHARE[y[i] + 128]);
    }
    line("]");
}
'''
LOGITS_OUT = '''
/* The softmax of the codes: 2**24*exp of what a code is below the largest. Not a part of what is timed. */
static const uint32_t POWER[256] = {@table};
static void results(void)
{
    int top = y[0];
    uint32_t sum = 0;
    for (int i = 1; i < Y; i++) if (y[i] > top) top = y[i];
    for (int i = 0; i < Y; i++) sum += POWER[top - y[i]];
    text("m-results-[");
    for (int i = 0; i < Y; i++) {
        uint32_t rest = POWER[top - y[i]], share = 0;
        if (i) put(',');
        for (int k = 0; k < 7; k++, rest *= 10) {       /* long division, a digit at a time */
            uint32_t digit = 0;
            for (; rest >= sum; rest -= sum) digit++;
            share = 10*share + digit;
        }
        millionths(share);
    }
    line("]");
}
'''
ERROR_OUT = '''
/* the mean square of what the network makes of its input, less the input: the more, the odder it is */
static const float VALUE[256] = {@table};
static void results(void)
{
    double sum = 0;
    for (int i = 0; i < Y; i++) {
        float v;
        __builtin_memcpy(&v, db + 4*i, 4);
        double d = (double)VALUE[y[i] + 128] - (double)v;
        sum += d*d;
    }
    double mean = sum/Y*1e6;
    text("m-results-["), millionths(mean < 1e18 ? (uint64_t)(mean + .5) : (uint64_t)1e18), line("]");
}
'''

@dataclass(frozen=True)
class Side:
    "What the protocol has to know of a network: its task, what a host sends, and what an answer means."
    model: str          # as a runner knows it: kws01, ic01, vww01 or ad01
    kind: str           # of what a host sends: 'codes', 'pixels' or 'floats'
    top: float          # what a pixel of 255 stands for
    grids: tuple        # of input and output
    x: int              # codes of an input
    y: int              # of an output
    results: str        # C that prints an answer
    @property
    def bytes(self) -> int: return 4*self.x if self.kind == 'floats' else self.x

KINDS = dict(kws01=('codes', 1.), ic01=('pixels', 255.), ic02=('pixels', 255.), vww01=('pixels', 1.),
             ad01=('floats', 1.))      # as the reference submissions take them
ALL = np.arange(-128, 128, dtype=np.int8)

def side_of(task:str, net:Module, shape:tuple) -> Side:
    """What a host sees of `net`, a network of codes between `Quantize` and `Dequantize`, in `task`.
    ValueError if it is none, or has more outputs than can be told."""
    kind, top = lookup('task', task, KINDS)
    parts = list(net) if type(net) is Sequential else []
    if len(parts) < 2 or not (isinstance(parts[0], Quantize) and isinstance(parts[-1], Dequantize)):
        raise ValueError('a device takes a network of codes, from its Quantize to its Dequantize')
    grids, y = (parts[0].grid(), parts[-1].grid()), int(net(np.zeros((1, *shape), np.float32)).size)
    x = int(np.prod(shape))
    if task == 'ad01' and x != y: raise ValueError(f'{task}: {y} outputs for {x} inputs: they are compared')
    if task != 'ad01' and y > 25: raise ValueError(f'{task}: {y} classes, and the answer has room for 25')
    shares = isinstance(parts[-2], IntegerSoftmax)
    results = ERROR_OUT if task == 'ad01' else SHARES_OUT if shares else LOGITS_OUT
    return Side('ic01' if task == 'ic02' else task, kind, top, grids, x, y, results)

def pixel_codes(s:Side) -> np.ndarray:
    "The code of each byte, int8 (256,)."
    return to_grid(np.arange(256, dtype=np.float32)*np.float32(s.top/255), s.grids[0])

def ordered(bits:np.ndarray) -> np.ndarray:
    "Whole numbers in the order of the float32 numbers with these `bits`, int32; and back."
    return np.where(bits < 0, bits ^ 0x7fffffff, bits).astype(np.int32)

def code_limits(grid:Grid) -> np.ndarray:
    "For each code but the least the first float32 number that has it or a higher one, as `ordered` (255,)."
    ends = np.float32([np.finfo(np.float32).min, np.finfo(np.float32).max]).view(np.int32)
    least, most = map(int, ordered(ends))
    def codes(v):
        with np.errstate(over='ignore'): return to_grid(ordered(v).view(np.float32), grid)
    lo, hi = np.full(255, least, np.int64), np.full(255, most, np.int64)    # the most has every code
    while (lo < hi).any():
        mid = (lo + hi)//2
        enough = codes(mid.astype(np.int32)) >= ALL[1:]
        lo, hi = np.where(enough, lo, mid + 1), np.where(enough, mid, hi)
    return hi.astype(np.int32)

def input_table(s:Side) -> tuple[str, np.ndarray]:
    "C that makes codes of bytes, and its table."
    if s.kind == 'codes': return CODES_IN, ALL[:0]
    if s.kind == 'pixels': return PIXELS_IN, pixel_codes(s)
    return FLOATS_IN, code_limits(s.grids[0])

def output_table(s:Side) -> np.ndarray:
    "What a code of the output stands for, in the unit in which `s.results` reckons."
    grid = s.grids[1]
    if s.results is ERROR_OUT: return from_grid(ALL, grid)
    if s.results is SHARES_OUT: return np.rint(1e6*np.clip(from_grid(ALL, grid), 0, 1)).astype(np.uint32)
    return (2**24*np.exp(-np.arange(256)*np.float64(grid.scale))).astype(np.uint32)

def table_c(numbers:np.ndarray) -> str:
    "Numbers of a table in C, several on a line."
    said = [f'{float(n)!r}f' if numbers.dtype.kind == 'f' else f'{n}' for n in numbers]
    return ',\n    '.join(', '.join(said[i:i + 8]) for i in range(0, len(said), 8))

def filled(text:str, **values) -> str:
    "C with the value of each @name in its place."
    for k in sorted(values, key=len, reverse=True): text = text.replace(f'@{k}', str(values[k]))
    return text

def program(s:Side, name:str) -> str:
    """C of a program that answers what comes over the UART, for ever; `firmware` puts the network's name for
    {name}. `name`: of the device. ValueError for one that would end an answer early."""
    if bad := set('[]"\\\r\n') & set(name): raise ValueError(f'a device cannot be called {name!r}: no {bad}')
    (takes, table), results = input_table(s), filled(s.results, table=table_c(output_table(s)))
    return filled(C, line=LINE, bytes=s.bytes, x=s.x, y=s.y, most=MOST, status=STATUS, data=DATA,
                  micros=MICROS, high=MICROS_HIGH, mark=MARK, profile=PROFILE, model=s.model, name=name,
                  input=filled(takes, table=table_c(table)), output=results)


# --- what a host sends, and what a device makes of it

def encoded(s:Side, x:np.ndarray) -> list[bytes]:
    "For each input of `x`, in fractions, the bytes that a host loads."
    rows = np.asarray(x, np.float32).reshape(len(x), -1)
    if s.kind == 'codes': rows = to_grid(rows, s.grids[0])
    elif s.kind == 'pixels': rows = np.clip(np.rint(rows*np.float32(255/s.top)), 0, 255).astype(np.uint8)
    else: rows = rows.astype('<f4')
    return [r.tobytes() for r in rows]

def decoded(s:Side, data:list[bytes], shape:tuple) -> np.ndarray:
    "What these bytes stand for: the inputs in fractions, float32 (n, *shape)."
    kind = dict(codes=np.int8, pixels=np.uint8, floats='<f4')[s.kind]
    rows = np.stack([np.frombuffer(d, kind) for d in data])
    if s.kind == 'codes': rows = from_grid(rows, s.grids[0])
    elif s.kind == 'pixels': rows = rows.astype(np.float32)*np.float32(s.top/255)
    return rows.astype(np.float32).reshape(-1, *shape)
