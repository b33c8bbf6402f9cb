"Known answers to the exercises of 20_data.source, for `tinybench course prove`."

# %% stratified-split wrong: a fifth of all rows, whatever their class
def stratified_split(y, test, rng):
    if not 0 < test < 1: raise ValueError(f'test is a share, got {test}')
    order = rng.permutation(len(y))
    k = round(test*len(y))
    return np.sort(order[k:]), np.sort(order[:k])

# %% stratified-split wrong: the first rows of each class, not shuffled
def stratified_split(y, test, rng):
    if not 0 < test < 1: raise ValueError(f'test is a share, got {test}')
    rows = [np.flatnonzero(y == c) for c in np.unique(y)]
    tested = np.sort(np.concatenate([r[:round(test*len(r))] for r in rows]))
    return np.setdiff1d(np.arange(len(y)), tested), tested

# %% stratified-split wrong: test rows in the order they were drawn
def stratified_split(y, test, rng):
    if not 0 < test < 1: raise ValueError(f'test is a share, got {test}')
    rows = [rng.permutation(np.flatnonzero(y == c)) for c in np.unique(y)]
    tested = np.concatenate([r[:round(test*len(r))] for r in rows])
    return np.setdiff1d(np.arange(len(y)), tested), tested

# %% stratified-split wrong: cuts the share off in the place of rounding it
def stratified_split(y, test, rng):
    if not 0 < test < 1: raise ValueError(f'test is a share, got {test}')
    rows = [rng.permutation(np.flatnonzero(y == c)) for c in np.unique(y)]
    tested = np.sort(np.concatenate([r[:int(test*len(r))] for r in rows]))
    return np.setdiff1d(np.arange(len(y)), tested), tested

# %% stratified-split wrong: takes the classes to be 0, 1, 2 ... without a gap
def stratified_split(y, test, rng):
    if not 0 < test < 1: raise ValueError(f'test is a share, got {test}')
    rows = [rng.permutation(np.flatnonzero(y == c)) for c in range(len(np.unique(y)))]
    tested = np.sort(np.concatenate([r[:round(test*len(r))] for r in rows]))
    return np.setdiff1d(np.arange(len(y)), tested), tested

# %% stratified-split wrong: a generator of its own, always the same split
def stratified_split(y, test, rng):
    if not 0 < test < 1: raise ValueError(f'test is a share, got {test}')
    rng = np.random.default_rng(0)
    rows = [rng.permutation(np.flatnonzero(y == c)) for c in np.unique(y)]
    tested = np.sort(np.concatenate([r[:round(test*len(r))] for r in rows]))
    return np.setdiff1d(np.arange(len(y)), tested), tested

# %% stratified-split wrong: accepts any share
def stratified_split(y, test, rng):
    rows = [rng.permutation(np.flatnonzero(y == c)) for c in np.unique(y)]
    tested = np.sort(np.concatenate([r[:round(test*len(r))] for r in rows]))
    return np.setdiff1d(np.arange(len(y)), tested), tested

# %% stratified-split right: marks the test rows in a mask, class after class
def stratified_split(y, test, rng):
    if test <= 0 or test >= 1: raise ValueError(f'test is a share, got {test}')
    tested = np.zeros(len(y), bool)
    for c in set(np.asarray(y).tolist()):
        rows = [i for i, label in enumerate(y) if label == c]
        rng.shuffle(rows)
        tested[rows[:round(test*len(rows))]] = True
    return np.flatnonzero(~tested), np.flatnonzero(tested)

# %% read-idx wrong: sizes with the least significant byte first
def read_idx(source):
    data = unzipped(source)
    if len(data) < 4 or data[:2] != b'\0\0' or data[2] not in IDX_TYPES or not data[3]:
        raise ValueError(f'not an idx file: {data[:4]}')
    dtype, start = np.dtype(IDX_TYPES[data[2]]), 4 + 4*data[3]
    if len(data) < start: raise ValueError('the header is cut off')
    shape = struct.unpack(f'<{data[3]}I', data[4:start])
    want = start + prod(shape)*dtype.itemsize
    if len(data) != want: raise ValueError(f'should have {want} bytes, got {len(data)}')
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder('='))

# %% read-idx wrong: always bytes, as in MNIST
def read_idx(source):
    data = unzipped(source)
    if len(data) < 4 or data[:2] != b'\0\0' or data[2] not in IDX_TYPES or not data[3]:
        raise ValueError(f'not an idx file: {data[:4]}')
    start = 4 + 4*data[3]
    if len(data) < start: raise ValueError('the header is cut off')
    shape = struct.unpack(f'>{data[3]}I', data[4:start])
    want = start + prod(shape)
    if len(data) != want: raise ValueError(f'should have {want} bytes, got {len(data)}')
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()

# %% read-idx wrong: leaves the length to reshape, which says nothing of bytes
def read_idx(source):
    data = unzipped(source)
    if len(data) < 4 or data[:2] != b'\0\0' or data[2] not in IDX_TYPES or not data[3]:
        raise ValueError(f'not an idx file: {data[:4]}')
    dtype, start = np.dtype(IDX_TYPES[data[2]]), 4 + 4*data[3]
    if len(data) < start: raise ValueError('the header is cut off')
    shape = struct.unpack(f'>{data[3]}I', data[4:start])
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder('='))

# %% read-idx wrong: ignores bytes that follow
def read_idx(source):
    data = unzipped(source)
    if len(data) < 4 or data[:2] != b'\0\0' or data[2] not in IDX_TYPES or not data[3]:
        raise ValueError(f'not an idx file: {data[:4]}')
    dtype, start = np.dtype(IDX_TYPES[data[2]]), 4 + 4*data[3]
    if len(data) < start: raise ValueError('the header is cut off')
    shape = struct.unpack(f'>{data[3]}I', data[4:start])
    want = start + prod(shape)*dtype.itemsize
    if len(data) < want: raise ValueError(f'should have {want} bytes, got {len(data)}')
    return np.frombuffer(data[:want], dtype, offset=start).reshape(shape).astype(dtype.newbyteorder('='))

# %% read-idx wrong: leaves the numbers in the file's byte order
def read_idx(source):
    data = unzipped(source)
    if len(data) < 4 or data[:2] != b'\0\0' or data[2] not in IDX_TYPES or not data[3]:
        raise ValueError(f'not an idx file: {data[:4]}')
    dtype, start = np.dtype(IDX_TYPES[data[2]]), 4 + 4*data[3]
    if len(data) < start: raise ValueError('the header is cut off')
    shape = struct.unpack(f'>{data[3]}I', data[4:start])
    want = start + prod(shape)*dtype.itemsize
    if len(data) != want: raise ValueError(f'should have {want} bytes, got {len(data)}')
    return np.frombuffer(data, dtype, offset=start).reshape(shape).copy()

# %% read-idx wrong: a view of the file's bytes that cannot be written to
def read_idx(source):
    data = unzipped(source)
    if len(data) < 4 or data[:2] != b'\0\0' or data[2] not in IDX_TYPES or not data[3]:
        raise ValueError(f'not an idx file: {data[:4]}')
    dtype, start = np.dtype(IDX_TYPES[data[2]]), 4 + 4*data[3]
    if len(data) < start: raise ValueError('the header is cut off')
    shape = struct.unpack(f'>{data[3]}I', data[4:start])
    want = start + prod(shape)*dtype.itemsize
    if len(data) != want: raise ValueError(f'should have {want} bytes, got {len(data)}')
    a = np.frombuffer(data, dtype, offset=start).reshape(shape)
    return a.astype(dtype.newbyteorder('='), copy=False)

# %% read-idx wrong: looks at the first of the two zeros only
def read_idx(source):
    data = unzipped(source)
    if len(data) < 4 or data[0] or data[2] not in IDX_TYPES or not data[3]:
        raise ValueError(f'not an idx file: {data[:4]}')
    dtype, start = np.dtype(IDX_TYPES[data[2]]), 4 + 4*data[3]
    if len(data) < start: raise ValueError('the header is cut off')
    shape = struct.unpack(f'>{data[3]}I', data[4:start])
    want = start + prod(shape)*dtype.itemsize
    if len(data) != want: raise ValueError(f'should have {want} bytes, got {len(data)}')
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder('='))

# %% read-idx wrong: a header of fewer than four bytes is an IndexError
def read_idx(source):
    data = unzipped(source)
    if data[:2] != b'\0\0' or data[2] not in IDX_TYPES or not data[3]:
        raise ValueError(f'not an idx file: {data[:4]}')
    dtype, start = np.dtype(IDX_TYPES[data[2]]), 4 + 4*data[3]
    if len(data) < start: raise ValueError('the header is cut off')
    shape = struct.unpack(f'>{data[3]}I', data[4:start])
    want = start + prod(shape)*dtype.itemsize
    if len(data) != want: raise ValueError(f'should have {want} bytes, got {len(data)}')
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder('='))

# %% read-idx wrong: takes a set of no rows for a file cut off
def read_idx(source):
    data = unzipped(source)
    if len(data) < 4 or data[:2] != b'\0\0' or data[2] not in IDX_TYPES or not data[3]:
        raise ValueError(f'not an idx file: {data[:4]}')
    dtype, start = np.dtype(IDX_TYPES[data[2]]), 4 + 4*data[3]
    if len(data) <= start: raise ValueError('nothing after the header')
    shape = struct.unpack(f'>{data[3]}I', data[4:start])
    want = start + prod(shape)*dtype.itemsize
    if len(data) != want: raise ValueError(f'should have {want} bytes, got {len(data)}')
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder('='))

# %% read-idx wrong: two dimensions, as in the example
def read_idx(source):
    data = unzipped(source)
    if len(data) < 12 or data[:2] != b'\0\0' or data[2] not in IDX_TYPES:
        raise ValueError(f'not an idx file: {data[:4]}')
    dtype, shape = np.dtype(IDX_TYPES[data[2]]), struct.unpack('>2I', data[4:12])
    want = 12 + prod(shape)*dtype.itemsize
    if len(data) != want: raise ValueError(f'should have {want} bytes, got {len(data)}')
    return np.frombuffer(data, dtype, offset=12).reshape(shape).astype(dtype.newbyteorder('='))

# %% read-idx right: number by number with int.from_bytes, then an empty array filled
def read_idx(source):
    data = unzipped(source)
    if len(data) < 4: raise ValueError(f'{len(data)} bytes are no idx file')
    zeros, code, ndim = data[:2], data[2], data[3]
    if any(zeros) or IDX_TYPES.get(code) is None or ndim == 0:
        raise ValueError(f'not an idx file, it begins with {data[:4].hex()}')
    body = data[4*(ndim + 1):]
    if len(data) < 4*(ndim + 1): raise ValueError('the header is cut off')
    shape = [int.from_bytes(data[i:i + 4], 'big') for i in range(4, 4*(ndim + 1), 4)]
    kind = np.dtype(IDX_TYPES[code])
    missing = prod(shape)*kind.itemsize - len(body)
    if missing: raise ValueError(f'{len(data)} bytes, should be {len(data) + missing}')
    a = np.empty(shape, kind.newbyteorder('='))
    a[...] = np.frombuffer(body, kind).reshape(shape)
    return a

# %% read-cifar wrong: reshapes where it should transpose
def read_cifar(data):
    if not data or len(data) % 3073: raise ValueError(f'records have 3073 bytes, got {len(data)}')
    records = np.frombuffer(data, np.uint8).reshape(-1, 3073)
    return records[:, 1:].reshape(-1, 32, 32, 3).copy(), records[:, 0].astype(np.int64)

# %% read-cifar wrong: rows and columns exchanged
def read_cifar(data):
    if not data or len(data) % 3073: raise ValueError(f'records have 3073 bytes, got {len(data)}')
    records = np.frombuffer(data, np.uint8).reshape(-1, 3073)
    return np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).T.transpose(3, 0, 1, 2)), \
        records[:, 0].astype(np.int64)

# %% read-cifar wrong: relabels the axes and moves no bytes
def read_cifar(data):
    if not data or len(data) % 3073: raise ValueError(f'records have 3073 bytes, got {len(data)}')
    records = np.frombuffer(data, np.uint8).reshape(-1, 3073)
    return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), records[:, 0].astype(np.int64)

# %% read-cifar wrong: labels stay bytes
def read_cifar(data):
    if not data or len(data) % 3073: raise ValueError(f'records have 3073 bytes, got {len(data)}')
    records = np.frombuffer(data, np.uint8).reshape(-1, 3073)
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0]

# %% read-cifar wrong: leaves out an unfinished record at the end
def read_cifar(data):
    n = len(data)//3073
    if not n: raise ValueError('not one whole record')
    records = np.frombuffer(data[:n*3073], np.uint8).reshape(-1, 3073)
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0].astype(np.int64)

# %% read-cifar wrong: takes no record at all for a batch of none
def read_cifar(data):
    if len(data) % 3073: raise ValueError(f'records have 3073 bytes, got {len(data)}')
    records = np.frombuffer(bytearray(data), np.uint8).reshape(len(data)//3073, 3073)
    planes = records[:, 1:].reshape(len(records), 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0].astype(np.int64)

# %% read-cifar wrong: looks for the label at the end of the record
def read_cifar(data):
    if not data or len(data) % 3073: raise ValueError(f'records have 3073 bytes, got {len(data)}')
    records = np.frombuffer(data, np.uint8).reshape(-1, 3073)
    planes = records[:, :-1].reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, -1].astype(np.int64)

# %% read-cifar right: stacks the three planes as the last axis
def read_cifar(data):
    n, rest = divmod(len(data), 3073)
    if n < 1 or rest: raise ValueError(f'records have 3073 bytes, got {len(data)}')
    records = np.frombuffer(data, np.uint8).reshape(n, 3073)
    planes = [records[:, k:k + 1024].reshape(n, 32, 32) for k in (1, 1025, 2049)]
    return np.stack(planes, axis=-1), np.array(records[:, 0], dtype=np.int64)
