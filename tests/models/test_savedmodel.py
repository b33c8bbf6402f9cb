"A SavedModel: what is written in its layout is read, the official network gives the stored outputs, and damage ends in words."
import json, shutil, struct

import numpy as np
import pytest
from filekit import official_keras, small_model
from hypothesis import given, strategies as st

from tinybench.cli.tasks import model_for
from tinybench.core.tensor import no_grad
from tinybench.models.weights import keras_graph, network
from tinybench.models.zoo import probabilities
from tinybench.peers.savedmodel import MAGIC, entries, masked_crc, message, read_savedmodel, varint
from tinybench.tasks.task import TASKS


# --- the layout, written

def as_varint(n):
    "As `varint` reads it."
    low = []
    while n > 127:
        low.append(n & 127 | 128)
        n >>= 7
    return bytes([*low, n])

def put(k, value):
    "A field of a message: a whole number, or bytes."
    return as_varint(k << 3) + as_varint(value) if isinstance(value, int) else as_varint(k << 3 | 2) + as_varint(len(value)) + value

def a_block(pairs, every=4):
    "A block of a table, with each key in full after `every` others; its end as TensorFlow writes it, uncompressed."
    out, restarts, last = b'', [], b''
    for i, (key, value) in enumerate(pairs):
        same = 0
        if i % every: same = next((j for j, (a, b) in enumerate(zip(key, last)) if a != b), min(len(key), len(last)))
        else: restarts.append(len(out))
        out += as_varint(same) + as_varint(len(key) - same) + as_varint(len(value)) + key[same:] + value
        last = key
    out += struct.pack(f'<{len(restarts) + 1}I', *restarts, len(restarts)) + b'\0'
    return out + struct.pack('<I', masked_crc(out))

def a_table(pairs, size=5):
    "A table of blocks with `size` entries each."
    out, places = b'', []
    for i in range(0, len(pairs), size):
        part = a_block(pairs[i:i + size])
        places.append((pairs[i:i + size][-1][0], as_varint(len(out)) + as_varint(len(part) - 5)))
        out += part
    def place(part):
        nonlocal out
        at = as_varint(len(out)) + as_varint(len(part) - 5)
        out += part
        return at
    ends = place(a_block([])) + place(a_block(places))
    return out + ends.ljust(40, b'\0') + MAGIC

def crc(raw): return as_varint(6 << 3 | 5) + struct.pack('<I', masked_crc(raw))

def write_savedmodel(folder, model, arrays, tuples=True):
    "`model` and `arrays` as `keras_graph` takes them, in a folder as TensorFlow 2.3 writes it."
    def turned(v):
        if isinstance(v, dict): return {k: turned(w) for k, w in v.items()}
        if isinstance(v, list) and len(v) > 1 and tuples and not any(isinstance(w, (list, dict)) for w in v):
            return dict(class_name='__tuple__', items=v)
        return [turned(w) for w in v] if isinstance(v, list) else v
    model = model | dict(config=model['config'] | dict(layers=[l | dict(config=turned(l['config'])) for l in model['config']['layers']]))
    told = [b'', json.dumps(dict(class_name='Dense', config=dict(units=3))).encode(), json.dumps(model).encode()]
    nodes = b''.join(put(1, put(4, put(1, b'_tf_keras_layer') + (put(3, m) if m else b''))) for m in told)
    (folder/'variables').mkdir(parents=True)
    (folder/'saved_model.pb').write_bytes(put(1, 1) + put(2, put(1, b'about') + put(7, nodes)))
    data, table, graph = b'', [], b''
    for i, (layer, have) in enumerate(arrays.items()):
        for name, a in have.items():
            raw, key = a.astype('<f4').tobytes(), f'layer_with_weights-{i}/{name}/.ATTRIBUTES/VARIABLE_VALUE'
            shape = b''.join(put(2, put(1, n)) for n in a.shape)
            table.append((key.encode(), put(1, 1) + put(2, shape) + put(4, len(data)) + put(5, len(raw)) + crc(raw)))
            data += raw
            graph += put(1, put(2, put(1, b'VARIABLE_VALUE') + put(2, f'{layer}/{name}'.encode()) + put(3, key.encode())))
    table.append((b'save_counter/.ATTRIBUTES/VARIABLE_VALUE', put(1, 9) + put(2, b'') + put(4, len(data)) + put(5, 8)))
    graph += put(1, put(2, put(1, b'VARIABLE_VALUE') + put(2, b'save_counter') + put(3, table[-1][0])))
    data += bytes(8)
    length = struct.pack('<I', len(graph))
    summed = length + struct.pack('<I', masked_crc(length)) + graph
    text = as_varint(len(graph)) + summed[4:]
    table.append((b'_CHECKPOINTABLE_OBJECT_GRAPH', put(1, 7) + put(2, b'') + put(4, len(data)) + put(5, len(text)) + crc(summed)))
    (folder/'variables'/'variables.data-00000-of-00001').write_bytes(data + text)
    (folder/'variables'/'variables.index').write_bytes(a_table([(b'', put(1, 1) + put(3, put(1, 1))), *sorted(table)]))
    return folder

def answers(net, x):
    with no_grad(): return net(x).data


# --- the parts

def test_the_checksum():
    "CRC-32C of '123456789', and of two examples of RFC 3720 B.4; then rotated by 15 bits and shifted."
    for raw, crc in ((b'123456789', 0xE3069283), (bytes(32), 0x8A9136AA), (b'\xff'*32, 0x62A8AB43)):
        assert masked_crc(raw) == ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) % 2**32

@given(st.integers(0, 2**64 - 1), st.binary(max_size=9))
def test_whole_numbers_and_fields(n, raw):
    assert varint(as_varint(n) + b'\7', 0) == (n, len(as_varint(n)))
    assert [*message(put(3, n) + put(200, raw) + put(1, 0))] == [(3, n), (200, raw), (1, 0)]

@given(st.dictionaries(st.text('abc/-', max_size=12), st.binary(max_size=40), max_size=30), st.integers(1, 9))
def test_a_table(pairs, size):
    pairs = sorted((k.encode(), v) for k, v in pairs.items())
    assert entries(a_table(pairs, size)) == {k.decode(): v for k, v in pairs}


# --- networks

@pytest.mark.parametrize('tuples', [True, False])
def test_a_network_there_and_back(tmp_path, tuples):
    model, arrays = small_model()
    g, want = read_savedmodel(write_savedmodel(tmp_path/'m', model, arrays, tuples)), keras_graph(model, arrays)
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 2)).astype(np.float32)
    assert g.shape == want.shape == (6, 6, 2) and np.array_equal(answers(network(g), x), answers(network(want), x))

def test_five_hundred_keywords_from_a_savedmodel(tmp_path, reference_dir):
    "452 of 500 by the float network, in the layout in which it is published."
    model, arrays, _ = official_keras('kws', reference_dir)
    path, z = write_savedmodel(tmp_path/'kws', model, arrays), np.load(reference_dir/'kws01_500.npz', allow_pickle=False)
    p = probabilities(network(read_savedmodel(path)), (z['x_int8'][..., None].astype(np.float32) - 83)*np.float32(.5847029))
    assert np.abs(p - z['out_float_savedmodel']).max() <= 1e-5 and (p.argmax(1) == z['label']).sum() == 452
    assert model_for(TASKS['kws01'], str(path)).shape == (49, 10, 1)
    with pytest.raises(ValueError, match=r'kws takes \(49, 10, 1\), and ic01 gives'): model_for(TASKS['ic01'], str(path))

@given(st.sampled_from(['saved_model.pb', 'variables/variables.index', 'variables/variables.data-00000-of-00001']), st.floats(0, .999),
       st.one_of(st.none(), st.integers(1, 255)))
def test_damage_gives_a_value_error_or_the_truth(tmp_path_factory, name, where, flip):
    "A cut file, or one with a wrong byte. Only saved_model.pb has no sums: there a number may be another one."
    model, arrays = small_model()
    folder = write_savedmodel(tmp_path_factory.mktemp('s')/'m', model, arrays)
    data = bytearray((folder/name).read_bytes())
    at = int(where*len(data))
    if flip is None: del data[at:]
    else: data[at] ^= flip
    (folder/name).write_bytes(data)
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 2)).astype(np.float32)
    try: g = read_savedmodel(folder)
    except ValueError as e: assert str(folder) in str(e)
    else:
        assert flip is not None
        if name != 'saved_model.pb': assert np.array_equal(*(answers(network(n), x) for n in (g, keras_graph(model, arrays))))

def test_what_is_no_savedmodel(tmp_path):
    model, arrays = small_model()
    folder = write_savedmodel(tmp_path/'m', model, arrays)
    for name in ('variables/variables.index', 'saved_model.pb'):
        whole = (folder/name).read_bytes()
        (folder/name).unlink()
        with pytest.raises((ValueError, FileNotFoundError), match=f'no .* file at .*{name}'): read_savedmodel(folder)
        (folder/name).write_bytes(whole)
    (folder/'saved_model.pb').write_bytes(put(1, 1) + put(2, put(7, b'')))
    with pytest.raises(ValueError, match='does not say its layers: only what Keras 2 saved'): read_savedmodel(folder)
    shutil.rmtree(folder)
    del arrays['e']
    with pytest.raises(ValueError, match='is not a network as TensorFlow 2 saves it .*kernel'): read_savedmodel(write_savedmodel(folder, model, arrays))
