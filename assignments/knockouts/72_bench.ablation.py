"Known answers to the exercises of 72_bench.ablation, for `tinybench course prove`."

# %% cells-of wrong: no network with all steps to leave one out of
def cells_of(names, kinds=KINDS):
    names = tuple(names)
    asked = {'add-one': [(n,) for n in names],
             'leave-one-out': [tuple(m for m in names if m != n) for n in names],
             'factorial': subsets(names),
             'order': [pair for a, b in combinations(names, 2) for pair in ((a, b), (b, a))]}
    return sorted(dict.fromkeys([(), *(cell for kind in kinds for cell in asked[kind])]), key=len)

# %% cells-of wrong: all orders of all steps
def cells_of(names, kinds=KINDS):
    from itertools import permutations
    names = tuple(names)
    asked = {'add-one': [(n,) for n in names],
             'leave-one-out': [names, *(tuple(m for m in names if m != n) for n in names)],
             'factorial': subsets(names), 'order': list(permutations(names))}
    return sorted(dict.fromkeys([(), *(cell for kind in kinds for cell in asked[kind])]), key=len)

# %% cells-of wrong: some come twice
def cells_of(names, kinds=KINDS):
    names = tuple(names)
    asked = {'add-one': [(n,) for n in names],
             'leave-one-out': [names, *(tuple(m for m in names if m != n) for n in names)],
             'factorial': subsets(names)[1:],
             'order': [(b, a) for a, b in combinations(names, 2)] +
                      [p for p in combinations(names, 2) if 'factorial' not in kinds]}
    return sorted([(), *(cell for kind in kinds for cell in asked[kind])], key=len)

# %% cells-of wrong: the steps by their letters, not as they were given
def cells_of(names, kinds=KINDS):
    names = tuple(sorted(names))
    asked = {'add-one': [(n,) for n in names],
             'leave-one-out': [names, *(tuple(m for m in names if m != n) for n in names)],
             'factorial': subsets(names),
             'order': [pair for a, b in combinations(names, 2) for pair in ((a, b), (b, a))]}
    found = dict.fromkeys([(), *(cell for kind in kinds for cell in asked[kind])])
    return sorted(found, key=lambda c: (len(c), c[::-1]))

# %% cells-of wrong: no base unless the factorial has it
def cells_of(names, kinds=KINDS):
    names = tuple(names)
    asked = {'add-one': [(n,) for n in names],
             'leave-one-out': [names, *(tuple(m for m in names if m != n) for n in names)],
             'factorial': subsets(names),
             'order': [pair for a, b in combinations(names, 2) for pair in ((a, b), (b, a))]}
    return sorted(dict.fromkeys(cell for kind in kinds for cell in asked[kind]), key=len)

# %% cells-of right: set by set
def cells_of(names, kinds=KINDS):
    names, found = tuple(names), {()}
    if 'add-one' in kinds: found |= {(n,) for n in names}
    if 'leave-one-out' in kinds: found |= {names} | {names[:i] + names[i+1:] for i in range(len(names))}
    if 'factorial' in kinds: found |= set(subsets(names))
    if 'order' in kinds: found |= {(a, b) for a in names for b in names if a != b}
    return sorted(found, key=lambda cell: (len(cell), cell))

# %% chains wrong: only the cells that were asked for
def chains(cells):
    return sorted({cell for cell in cells if cell}, key=len)

# %% chains wrong: every cell from the base
def chains(cells):
    return [cell[:n] for cell in cells for n in range(1, len(cell) + 1)]

# %% chains wrong: the base too
def chains(cells):
    return sorted({cell[:n] for cell in cells for n in range(len(cell) + 1)}, key=len)

# %% chains wrong: longest first
def chains(cells):
    return sorted({cell[:n] for cell in cells for n in range(1, len(cell) + 1)}, key=len, reverse=True)

# %% chains wrong: what is left without the first step
def chains(cells):
    return sorted({cell[n:] for cell in cells for n in range(len(cell))}, key=len)

# %% chains wrong: another order of the same steps counts as the same network
def chains(cells):
    found = {}
    for cell in cells:
        for n in range(1, len(cell) + 1): found.setdefault(frozenset(cell[:n]), cell[:n])
    return sorted(found.values(), key=len)

# %% chains right: parents by a walk
def chains(cells):
    out = []
    def need(cell):
        if not cell or cell in out: return
        need(cell[:-1])
        out.append(cell)
    for cell in cells: need(cell)
    return out

# %% remembered wrong: by the mark alone
def remembered(step, keep):
    mark = getattr(step, 'mark', None)
    if keep is None or mark is None: return step
    def load_or_make(net):
        weights, layers = array_digest(live_state(net).values()), [f'{k} {m!r}' for k, m in walk(net)]
        path = keep/f'{fingerprint([mark])[:24]}.npz'
        try: return clone(net).load_state_dict(load_arrays(path))
        except (OSError, ValueError, KeyError): new = step(net)
        save_arrays(path, new.state_dict())
        return new
    return load_or_make

# %% remembered wrong: by the weights alone
def remembered(step, keep):
    mark = getattr(step, 'mark', None)
    if keep is None or mark is None: return step
    def load_or_make(net):
        weights, layers = array_digest(live_state(net).values()), [f'{k} {m!r}' for k, m in walk(net)]
        path = keep/f'{fingerprint([weights, layers])[:24]}.npz'
        try: return clone(net).load_state_dict(load_arrays(path))
        except (OSError, ValueError, KeyError): new = step(net)
        save_arrays(path, new.state_dict())
        return new
    return load_or_make

# %% remembered wrong: by mark and weights, not by the layers
def remembered(step, keep):
    mark = getattr(step, 'mark', None)
    if keep is None or mark is None: return step
    def load_or_make(net):
        weights, layers = array_digest(live_state(net).values()), [f'{k} {m!r}' for k, m in walk(net)]
        path = keep/f'{fingerprint([mark, weights])[:24]}.npz'
        try: return clone(net).load_state_dict(load_arrays(path))
        except (OSError, ValueError, KeyError): new = step(net)
        save_arrays(path, new.state_dict())
        return new
    return load_or_make

# %% remembered wrong: the weights without the statistics of BatchNorm
def remembered(step, keep):
    mark = getattr(step, 'mark', None)
    if keep is None or mark is None: return step
    def load_or_make(net):
        weights, layers = array_digest(live_state(net).values()), [f'{k} {m!r}' for k, m in walk(net)]
        path = keep/f'{fingerprint([mark, array_digest(p.data for p in net.parameters()), layers])[:24]}.npz'
        try: return clone(net).load_state_dict(load_arrays(path))
        except (OSError, ValueError, KeyError): new = step(net)
        save_arrays(path, new.state_dict())
        return new
    return load_or_make

# %% remembered wrong: a damaged file ends the run
def remembered(step, keep):
    mark = getattr(step, 'mark', None)
    if keep is None or mark is None: return step
    def load_or_make(net):
        weights, layers = array_digest(live_state(net).values()), [f'{k} {m!r}' for k, m in walk(net)]
        path = keep/f'{fingerprint([mark, weights, layers])[:24]}.npz'
        try: return clone(net).load_state_dict(load_arrays(path))
        except FileNotFoundError: new = step(net)
        save_arrays(path, new.state_dict())
        return new
    return load_or_make

# %% remembered wrong: reads into the network that came in
def remembered(step, keep):
    mark = getattr(step, 'mark', None)
    if keep is None or mark is None: return step
    def load_or_make(net):
        weights, layers = array_digest(live_state(net).values()), [f'{k} {m!r}' for k, m in walk(net)]
        path = keep/f'{fingerprint([mark, weights, layers])[:24]}.npz'
        try: return net.load_state_dict(load_arrays(path))
        except (OSError, ValueError, KeyError): new = step(net)
        save_arrays(path, new.state_dict())
        return new
    return load_or_make

# %% remembered wrong: for this run only
def remembered(step, keep):
    mark = getattr(step, 'mark', None)
    if keep is None or mark is None: return step
    kept = step.__dict__.setdefault('kept', {})
    def load_or_make(net):
        key = fingerprint([mark, array_digest(live_state(net).values()), [repr(m) for _, m in walk(net)]])
        if key not in kept: kept[key] = step(net)
        return kept[key]
    return load_or_make

# %% remembered right: a folder for each mark
def remembered(step, keep):
    if keep is None or not hasattr(step, 'mark'): return step
    def load_or_make(net):
        folder = keep/fingerprint([step.mark])[:16]
        folder.mkdir(exist_ok=True)
        path = folder/(fingerprint([repr(net), array_digest(live_state(net).values())])[:24] + '.npz')
        if path.exists():
            try: return clone(net).load_state_dict(load_arrays(path))
            except Exception: path.unlink()
        new = step(net)
        save_arrays(path, new.state_dict())
        return new
    return load_or_make

# %% complete wrong: without each step that is in a lost cell
def complete(names, lost):
    bad = {n for cell in lost for n in cell}
    return tuple(n for n in names if n not in bad)

# %% complete wrong: without each step that fails alone
def complete(names, lost):
    lost = set(lost)
    return tuple(n for n in names if (n,) not in lost)

# %% complete wrong: the largest cell that was not lost
def complete(names, lost):
    lost = set(lost)
    return max((c for c in subsets(names) if c not in lost), key=len, default=())

# %% complete wrong: step by step, the early ones first
def complete(names, lost):
    lost, kept = set(lost), ()
    for n in names:
        if lost.isdisjoint(subsets((*kept, n))): kept = (*kept, n)
    return kept

# %% complete wrong: of equally many the later ones
def complete(names, lost):
    lost = set(lost)
    whole = [some for some in subsets(names) if lost.isdisjoint(subsets(some))]
    return max(reversed(whole), key=len, default=())

# %% complete right: fewer and fewer
def complete(names, lost):
    names, lost = tuple(names), [set(c) for c in lost if list(c) == sorted(c, key=tuple(names).index)]
    for r in range(len(names), -1, -1):
        for some in combinations(names, r):
            if not any(cell <= set(some) for cell in lost): return some
    return ()
