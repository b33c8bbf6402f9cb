"Graphs to write into files: random ones, and the official networks from the stored arrays; and what they compute, in plain loops."
import json
from dataclasses import replace

import numpy as np

from tinybench.base.graph import Graph, Node
from tinybench.exchange.shapes import out_shape


# --- the official networks, from the reference arrays

def arrays_of(z, form, about, before):
    "The arrays of one official layer, with the axes of `nn`."
    name, op = about['name'], about['op']
    w, b = z[f'{form}/{name}/w'], z[f'{form}/{name}/b']
    w = dict(CONV_2D=lambda: w.transpose(1, 2, 3, 0), DEPTHWISE_CONV_2D=lambda: w[0], FULLY_CONNECTED=lambda: w.T)[op]()
    if form == 'float': return dict(w=w, b=b)
    scale = z[f'int8/{name}/w_scale']
    return dict(w=w, b=b, scale=scale, b_scale=np.float32(before[0])*scale)

def official(task, folder, form):
    "The graph of an official network in `form`, float or int8; and the file with its inputs and outputs."
    z, layers = np.load(folder/f'{task}.npz', allow_pickle=False), json.loads((folder/f'{task}_layers.json').read_text())['layers']
    def grid(name):
        if form == 'float': return None
        scale, zero = z['int8/input_q'] if name == 'input' else z[f'int8/{name}/out_q']
        return np.float32(scale), int(zero)
    chain = []
    for about in layers:
        op, (*_, before) = about['op'], about['inputs']
        ways = {k: tuple(about[name]) for k, name in (('stride', 'stride'), ('kernel', 'pool')) if about[name]}
        if about['padding']: ways['padding'] = about['padding'].lower()
        if about['activation'] and not about['pool']: ways['relu'] = about['activation'] == 'RELU'
        kept = dict(grid=grid(about['name']), shape=tuple(about['out_shape'][1:]))
        if about['w_shape']: kept |= arrays_of(z, form, about, grid(before))
        if op == 'ADD':
            short = (chain.pop(),) if about['inputs'][0].endswith('short') else ()
            kept['arms'] = tuple(chain[-2:]), short
            del chain[-2:]
        chain.append(Node(op, ways, **kept))
    return Graph(tuple(chain), tuple(layers[0]['in_shape'][1:]), grid('input')), z


# --- random graphs

def random_graph(rng, whole=False, image=True):
    "A graph with a few operators of random sizes, in int8 if `whole`."
    shape = (int(rng.integers(5, 10)), int(rng.integers(5, 10)), int(rng.integers(1, 4))) if image else (int(rng.integers(2, 9)),)
    graph = Graph((), shape, random_grid(rng, whole))
    nodes, shape, grid = random_steps(rng, graph.shape, graph.grid, int(rng.integers(2, 5))) if image else ([], shape, graph.grid)
    if len(shape) == 3:
        nodes += [placed(Node('RESHAPE'), shape, grid)]
        shape = nodes[-1].shape
    for _ in range(int(rng.integers(1, 3))):
        nodes.append(weighted(rng, 'FULLY_CONNECTED', shape, grid, int(rng.integers(2, 6))))
        shape, grid = nodes[-1].shape, nodes[-1].grid
    if rng.random() < .5: nodes.append(placed(Node('SOFTMAX'), shape, grid and (np.float32(1/256), -128)))
    return Graph(tuple(nodes), graph.shape, graph.grid)

def random_grid(rng, whole): return (np.float32(rng.uniform(.01, .1)), int(rng.integers(-128, 128))) if whole else None

def placed(n, shape, grid):
    return replace(n, shape=out_shape(n, shape), grid=grid)

def weighted(rng, op, shape, grid, c, same=True):
    "A node with random weights."
    kernel = tuple(int(k) for k in rng.integers(1, 4, 2))
    size = dict(CONV_2D=(*kernel, shape[-1], c), DEPTHWISE_CONV_2D=(*kernel, shape[-1]), FULLY_CONNECTED=(shape[-1], c))[op]
    ways = dict(relu=bool(rng.random() < .5))
    if len(size) > 2: ways |= dict(stride=tuple(int(s) for s in rng.integers(1, 3, 2)) if not same else (1, 1),
                                   padding='same' if same else str(rng.choice(['same', 'valid'])))
    if grid is None: n = Node(op, ways, rng.normal(size=size).astype(np.float32), rng.normal(size=size[-1]).astype(np.float32))
    else:
        scale = rng.uniform(.001, .02, 1 if op == 'FULLY_CONNECTED' else size[-1]).astype(np.float32)
        n = Node(op, ways, rng.integers(-127, 128, size).astype(np.int8), rng.integers(-2000, 2000, size[-1]).astype(np.int32), scale,
                 np.float32(grid[0])*scale)
    return placed(n, shape, random_grid(rng, grid is not None))

def random_steps(rng, shape, grid, count):
    "Some operators on images, among them an addition now and then."
    nodes = []
    for _ in range(count):
        op = str(rng.choice(['CONV_2D', 'DEPTHWISE_CONV_2D', 'AVERAGE_POOL_2D', 'MAX_POOL_2D', 'ADD', 'RELU']))
        if op in ('CONV_2D', 'DEPTHWISE_CONV_2D'):
            n = weighted(rng, op, shape, grid, int(rng.integers(1, 5)), same=min(shape[:2]) < 4)
        elif op == 'ADD':
            c = shape[-1] if rng.random() < .5 else shape[-1] + 1
            one = weighted(rng, 'CONV_2D', shape, grid, c)
            body = (one, weighted(rng, 'CONV_2D', one.shape, one.grid, c))
            short = () if c == shape[-1] else (weighted(rng, 'CONV_2D', shape, grid, c),)
            n = placed(Node('ADD', dict(relu=bool(rng.random() < .5)), arms=(body, short)), shape, random_grid(rng, grid is not None))
        elif op == 'RELU': n = placed(Node('RELU'), shape, grid)
        else: n = placed(Node(op, dict(kernel=(2, 2), stride=(1, 2), padding=str(rng.choice(['same', 'valid'])) if min(shape[:2]) > 1
                                       else 'same')), shape, grid)
        nodes.append(n)
        shape, grid = n.shape, n.grid
    return nodes, shape, grid


# --- what a graph of fractions computes, one output after the other, in float64

def windows(x, n, kernel):
    "(place, the window there, which of its pixels are real), of one image (h, w, c)."
    (kh, kw), (sh, sw) = kernel, n.ways['stride']
    oh, ow = n.shape[:2]
    top, left = (max((o - 1)*s + k - m, 0)//2 if n.ways['padding'] == 'same' else 0
                 for o, s, k, m in zip((oh, ow), (sh, sw), (kh, kw), x.shape))
    for i in range(oh):
        for j in range(ow):
            rows, cols = np.arange(kh) + i*sh - top, np.arange(kw) + j*sw - left
            real = ((rows >= 0) & (rows < x.shape[0]))[:, None] & ((cols >= 0) & (cols < x.shape[1]))
            yield (i, j), x[rows.clip(0, x.shape[0] - 1)][:, cols.clip(0, x.shape[1] - 1)], real

def computed(nodes, x):
    "The output of `nodes` for one input `x`."
    for n in nodes:
        if n.op == 'FULLY_CONNECTED': y = x @ n.w.astype(float) + n.b
        elif n.op == 'ADD': y = computed(n.arms[0], x) + computed(n.arms[1], x)
        elif n.op == 'RELU': y = np.maximum(x, 0)
        elif n.op == 'RESHAPE': y = x.ravel()
        elif n.op == 'SOFTMAX': y = np.exp(x - x.max())/np.exp(x - x.max()).sum()
        else:
            y = np.zeros(n.shape)
            for at, part, real in windows(x, n, n.ways['kernel'] if n.w is None else n.w.shape[:2]):
                if n.op == 'CONV_2D': y[at] = np.tensordot(part*real[..., None], n.w.astype(float), 3) + n.b
                elif n.op == 'DEPTHWISE_CONV_2D': y[at] = (part*real[..., None]*n.w).sum((0, 1)) + n.b
                else: y[at] = part[real].max(0) if n.op == 'MAX_POOL_2D' else part[real].mean(0)
        x = np.maximum(y, 0) if n.ways.get('relu') else y
    return x


# --- networks as Keras 2 describes them

def keras_layer(kind, name, before=None, **config):
    "A layer as Keras 2 describes it."
    return dict(class_name=kind, config=config | dict(name=name),
                **({} if before is None else dict(inbound_nodes=[[[b, 0, 0, {}] for b in before]])))

KINDS = dict(CONV_2D='Conv2D', DEPTHWISE_CONV_2D='DepthwiseConv2D', FULLY_CONNECTED='Dense', ADD='Add', RESHAPE='Flatten')

def official_keras(task, folder):
    "The settings and arrays of an official network of Keras, from the stored arrays."
    z, layers = np.load(folder/f'{task}.npz', allow_pickle=False), json.loads((folder/f'{task}_layers.json').read_text())['layers']
    found, arrays, ends = [keras_layer('InputLayer', 'input', [], batch_input_shape=[None, *layers[0]['in_shape'][1:]])], {}, {}
    def put(kind, name, before, **config):
        found.append(keras_layer(kind, name, before, **config))
        return name
    for about in layers:
        name, op = about['name'], about['op']
        before = [ends.get(n, n) for n in about['inputs']]
        have = {k.split('/')[2]: z[k] for k in z.files if k.startswith(f'keras/{name}/')}
        if op == 'SOFTMAX': found[-1]['config']['activation'] = 'softmax'
        elif op == 'AVERAGE_POOL_2D':
            ends[name] = put('AveragePooling2D', name, before, pool_size=about['pool'], strides=about['stride'], padding='valid')
        elif op in ('ADD', 'RESHAPE'): ends[name] = put(KINDS[op], name, before)
        else:
            key = 'depthwise_kernel' if op == 'DEPTHWISE_CONV_2D' else 'kernel'
            arrays[name] = {key: have['kernel'], 'bias': have['bias']}
            ways = {} if op == 'FULLY_CONNECTED' else dict(strides=about['stride'], padding=about['padding'].lower(), groups=1)
            ends[name] = put(KINDS[op], name, before, activation='linear', data_format='channels_last', **ways)
            if 'gamma' in have:
                arrays[f'{name}_bn'] = {k: v for k, v in have.items() if k not in ('kernel', 'bias')}
                ends[name] = put('BatchNormalization', f'{name}_bn', [ends[name]], momentum=.99, epsilon=1e-3)
        if about['activation'] == 'RELU': ends[name] = put('Activation', f'{name}_relu', [ends[name]], activation='relu')
    return dict(class_name='Functional', config=dict(layers=found, output_layers=[[found[-1]['config']['name'], 0, 0]])), arrays, z

def small_model(**dense):
    "A Sequential as Keras 2 describes it, and arrays for it."
    r = np.random.default_rng(0)
    layers = [keras_layer('Conv2D', 'c', strides=[1, 2], padding='same', activation='relu', batch_input_shape=[None, 6, 6, 2]),
              keras_layer('BatchNormalization', 'n', momentum=.9, epsilon=.01), keras_layer('MaxPooling2D', 'p', pool_size=[2, 1],
              strides=[2, 1], padding='valid'), keras_layer('Dropout', 'd', rate=.5), keras_layer('Flatten', 'f'),
              keras_layer('Dense', 'e', activation='softmax', **dense)]
    arrays = dict(c=dict(kernel=r.normal(size=(3, 2, 2, 4)).astype(np.float32)), e=dict(kernel=r.normal(size=(36, 3)).astype(np.float32),
                  bias=r.normal(size=3).astype(np.float32)), n={k: r.uniform(.5, 2, 4).astype(np.float32) for k in
                  ('beta', 'moving_mean', 'moving_variance')})
    return dict(class_name='Sequential', config=dict(layers=layers)), arrays
