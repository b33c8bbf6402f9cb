"Known answers to the exercises of 55_optimize.channels, for `tinybench course prove`."

# %% flat-ids wrong: all pixels of the first channel, then of the second
def flat_ids(ids, pixels):
    return np.repeat(ids, pixels)

# %% flat-ids wrong: places instead of numbers
def flat_ids(ids, pixels):
    return np.arange(pixels*len(ids)) % len(ids)

# %% flat-ids wrong: only images as high as wide
def flat_ids(ids, pixels):
    side = int(pixels**.5)
    return np.broadcast_to(ids, (side, side, len(ids))).reshape(-1)

# %% flat-ids wrong: each number once, in order of its first place
def flat_ids(ids, pixels):
    return np.tile(np.array(list(dict.fromkeys(ids.tolist()))), pixels)

# %% flat-ids right: an image whose pixels say what they belong to
def flat_ids(ids, pixels):
    return np.broadcast_to(ids, (pixels, len(ids))).reshape(-1)

# %% join wrong: changes one label, not those that were joined to it before
def join(label, pairs):
    label = label.copy()
    for i, j in pairs: label[i] = label[j] = min(label[i], label[j])
    return label

# %% join wrong: the label of the lower place, not the smaller label
def join(label, pairs):
    label = label.copy()
    for i, j in pairs:
        i, j = sorted((i, j))
        label[label == label[j]] = label[i]
    return label

# %% join wrong: changes what it was given
def join(label, pairs):
    for i, j in pairs:
        low, high = sorted((label[i], label[j]))
        label[label == high] = low
    return label

# %% join wrong: sweeps until nothing changes, but the second sweep over an iterator is empty
def join(label, pairs):
    label = label.copy()
    for _ in label:
        for i, j in pairs: label[i] = label[j] = min(label[i], label[j])
    return label

# %% join wrong: forgets that equal labels belong together
def join(label, pairs):
    near, out = [{i} for i in range(len(label))], label.copy()
    for i, j in pairs:
        both = near[i] | near[j]
        for k in both: near[k] = both
    for i, places in enumerate(near): out[i] = min(label[k] for k in places)
    return out

# %% join right: a parent for each label, followed to the root
def join(label, pairs):
    up = {int(l): int(l) for l in label}
    def root(l):
        while up[l] != l: l = up[l]
        return l
    for i, j in pairs:
        a, b = root(int(label[i])), root(int(label[j]))
        up[max(a, b)] = min(a, b)
    return np.array([root(int(l)) for l in label], label.dtype)

# %% cut wrong: only the side that makes the channels
def cut(net, found, keep):
    new = prepared(net, found, keep)
    at = dict(walk(new))
    for c in found.cuts:
        a = as_array(getattr(at[c.path], c.name))
        if c.made: set_array(at[c.path], c.name, np.compress(keep[c.ids], a, c.axis))
    return new

# %% cut wrong: as many as are kept, but the first ones
def cut(net, found, keep):
    new = prepared(net, found, keep)
    at = dict(walk(new))
    for c in found.cuts:
        a = as_array(getattr(at[c.path], c.name))
        set_array(at[c.path], c.name, np.take(a, np.arange(keep[c.ids].sum()), c.axis))
    return new

# %% cut wrong: behind a Flatten, the rows of a channel are taken for neighbours
def cut(net, found, keep):
    new = prepared(net, found, keep)
    at = dict(walk(new))
    for c in found.cuts:
        a, one = as_array(getattr(at[c.path], c.name)), np.unique(c.ids)
        set_array(at[c.path], c.name, np.compress(np.repeat(keep[one], len(c.ids)//len(one)), a, c.axis))
    return new

# %% cut wrong: in the network that was given
def cut(net, found, keep):
    at = dict(walk(net))
    for c in found.cuts:
        set_array(at[c.path], c.name, np.compress(keep[c.ids], as_array(getattr(at[c.path], c.name)), c.axis))
    return net

# %% cut wrong: the biases do not take over what comes from behind a Sigmoid
def cut(net, found, keep):
    new = clone(net)
    at = dict(walk(new))
    for c in found.cuts:
        set_array(at[c.path], c.name, np.compress(keep[c.ids], as_array(getattr(at[c.path], c.name)), c.axis))
    return new

# %% cut right: with the axis in front
def cut(net, found, keep):
    new = prepared(net, found, keep)
    for path, m in walk(new):
        for c in found.cuts:
            if c.path != path: continue
            old = getattr(m, c.name)
            a = np.moveaxis(old.data if isinstance(old, Parameter) else old, c.axis, 0)[keep[c.ids]]
            set_array(m, c.name, np.ascontiguousarray(np.moveaxis(a, 0, c.axis)))
    return new

# %% choose wrong: the strongest of all groups
def choose(score, group, counts):
    keep, free = group < 0, np.flatnonzero(group >= 0)
    keep[free[np.argsort(-score[free], kind='stable')[:sum(counts)]]] = True
    return keep

# %% choose wrong: the weakest
def choose(score, group, counts):
    keep = group < 0
    for g, count in enumerate(counts):
        mine = np.flatnonzero(group == g)
        keep[mine[np.argsort(score[mine], kind='stable')[:count]]] = True
    return keep

# %% choose wrong: all that are as strong as the last one
def choose(score, group, counts):
    keep = group < 0
    for g, count in enumerate(counts):
        keep |= (group == g) & (score >= np.sort(score[group == g])[-count])
    return keep

# %% choose wrong: by size, without the sign
def choose(score, group, counts):
    keep = group < 0
    for g, count in enumerate(counts):
        mine = np.flatnonzero(group == g)
        keep[mine[np.argsort(-abs(score[mine]), kind='stable')[:count]]] = True
    return keep

# %% choose wrong: changes the scores that it was given
def choose(score, group, counts):
    keep = group < 0
    for g, count in enumerate(counts):
        for _ in range(count):
            best = np.flatnonzero(group == g)[np.argmax(score[group == g])]
            keep[best], score[best] = True, -np.inf
    return keep

# %% choose right: sorted pairs
def choose(score, group, counts):
    keep = group < 0
    for g, count in enumerate(counts):
        mine = sorted((-score[i], i) for i in range(len(group)) if group[i] == g)
        for _, i in mine[:count]: keep[i] = True
    return keep
