"A folder as TensorFlow 2 saves a network of Keras: its layers in saved_model.pb, its arrays in variables/"
import json, struct
from collections.abc import Iterator
from pathlib import Path
import numpy as np
from tinybench.base.graph import Graph
from tinybench.models.weights import existing, keras_graph, number

FLOAT, TEXT = 1, 7        # types of arrays, as TensorFlow counts them


# --- messages of protocol buffers: a field is its number and its kind in one varint, and then its value

def varint(raw, at:int) -> tuple[int,int]:
    "The whole number at byte `at`, seven bits a byte, the low ones first; and the byte behind it."
    value = 0
    for k in range(10):
        byte = number(raw, at + k, '<B')
        value |= (byte & 127) << 7*k
        if byte < 128: return value, at + k + 1
    raise ValueError(f'the number at byte {at} does not end: it is damaged')

def numbers(raw, n:int) -> list[int]:
    "The first `n` varints of `raw`."
    found, at = [], 0
    for _ in range(n):
        value, at = varint(raw, at)
        found.append(value)
    return found

def part(raw, at:int, size:int):
    "`size` bytes of `raw` from byte `at`; ValueError if it has fewer."
    if at + size > len(raw): raise ValueError(
        f'{size} bytes at byte {at} of {len(raw)}: it is cut off or damaged')
    return raw[at:at + size]

def message(raw) -> Iterator[tuple]:
    "(number, value) of each field; a value is a whole number, or bytes."
    at = 0
    while at < len(raw):
        key, at = varint(raw, at)
        kind = key & 7
        if kind == 0: value, at = varint(raw, at)
        else:
            if kind not in (1, 2, 5): raise ValueError(f'a field of kind {kind}: it is damaged')
            size, at = varint(raw, at) if kind == 2 else (8 if kind == 1 else 4, at)
            value, at = part(raw, at, size), at + size
        yield key >> 3, value

def inside(raw, first:int, *rest:int) -> Iterator:
    "The values of all fields `first`, or of those in them."
    for k, value in message(raw):
        if k == first: yield from inside(value, *rest) if rest else (value,)


# --- variables.index: a sorted table, as LevelDB writes it, of where each array lies

MAGIC = bytes.fromhex('57fb808b247547db')
def crc_bits(k:int) -> int:
    "The remainder of one byte."
    for _ in range(8): k = k >> 1 ^ 0x82F63B78*(k & 1)
    return k
CRC = [crc_bits(k) for k in range(256)]

def masked_crc(raw) -> int:
    "CRC-32C of the bytes, rotated and shifted as LevelDB does."
    crc = 0xFFFFFFFF
    for byte in bytes(raw): crc = crc >> 8 ^ CRC[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

def check(raw, said:int, what:str):
    "ValueError unless the bytes have the sum that the file says."
    if masked_crc(raw) != said: raise ValueError(f'the checksum of {what} is wrong: it is damaged')

def block(raw, at:int, size:int) -> Iterator[tuple[bytes,bytes]]:
    "(key, value) of each entry in a block; a key is said by what it has more than the one before."
    here = part(raw, at, size + 5)
    check(here[:-4], number(here, size + 1, '<I'), 'a block')
    if here[size]: raise ValueError('a block is compressed, and TensorFlow writes plain ones')
    key, at, end = b'', 0, size - 4 - 4*number(here, size - 4, '<I')
    while at < end:
        same, at = varint(here, at)
        more, at = varint(here, at)
        size, at = varint(here, at)
        key = key[:same] + part(here, at, more)
        yield key, part(here, at + more, size)
        at += more + size

def entries(raw:bytes) -> dict[str,bytes]:
    "All entries of a table; ValueError if it is none."
    if len(raw) < 48 or raw[-8:] != MAGIC: raise ValueError('variables.index does not end as a table does')
    *_, first, size = numbers(raw[-48:], 4)       # of the index of its blocks, behind two that do not matter
    blocks = (numbers(where, 2) for _, where in block(raw, first, size))
    return {k.decode(): v for place in blocks for k, v in block(raw, *place)}


# --- the arrays

def stored(data:bytes, entry:bytes):
    "The array or the one text at which an entry points; None for any other kind."
    about = dict(message(entry))
    kind, raw = about.get(1), part(data, about.get(4, 0), about.get(5, 0))
    if about.get(3): raise ValueError('its arrays are in several files')
    if kind not in (FLOAT, TEXT): return None
    if kind == TEXT:                       # a varint that is summed as four bytes; a sum of it; the text
        n, at = varint(raw, 0)
        raw = struct.pack('<I', n) + raw[at:]
    check(raw, number(about[6], 0, '<I'), 'an array')
    shape = [dict(message(d)).get(1, 0) for d in inside(about.get(2, b''), 2)]
    return raw[8:] if kind == TEXT else np.frombuffer(raw, '<f4').reshape(shape)

def variables(folder:Path) -> dict[str,dict]:
    "By the name of a layer: its arrays by their names."
    named = {k: existing(folder/'variables'/k, 'variables') for k in
             ('variables.index', 'variables.data-00000-of-00001')}
    index, data = (p.read_bytes() for p in named.values())
    table, found = entries(index), {}
    for about in inside(stored(data, table['_CHECKPOINTABLE_OBJECT_GRAPH']), 1, 2):
        name, key = (bytes(dict(message(about))[k]).decode() for k in (2, 3))
        *_, layer, name = ['', *name.split('/')]
        if (a := stored(data, table[key])) is not None: found.setdefault(layer, {})[name] = a
    return found


# --- the layers

def as_lists(d:dict):
    "What Keras wrote for a tuple, as a list."
    return d['items'] if d.get('class_name') == '__tuple__' else d

def keras_model(raw:bytes) -> dict:
    "The settings of the network, as Keras 2 describes it."
    told = (json.loads(bytes(m), object_hook=as_lists) for m in inside(raw, 2, 7, 1, 4, 3) if m)
    for m in told:
        if 'layers' in m.get('config', ()): return m
    raise ValueError('it does not say its layers: only what Keras 2 saved, up to TensorFlow 2.4, does')

def read_savedmodel(folder) -> Graph:
    "The graph in a folder with a SavedModel; ValueError if there is none that this reader knows."
    folder = Path(folder)
    raw = existing(folder/'saved_model.pb', 'saved_model.pb').read_bytes()
    try: return keras_graph(keras_model(raw), variables(folder))
    except Exception as e:                 # a damaged file may raise almost anything
        raise ValueError(f'{folder} is not a network as TensorFlow 2 saves it ({e})') from e
