"Known answers to the exercises of 79_tasks.olympics, for `tinybench course prove`."

# %% normalised wrong: medians first, then the ratio
def normalised(secs, reference):
    return np.median(secs, axis=1)/np.median(reference, axis=1)

# %% normalised wrong: the mean over the rounds
def normalised(secs, reference):
    return np.mean(np.asarray(secs)/np.asarray(reference), axis=1)

# %% normalised wrong: one number for all builds
def normalised(secs, reference):
    return np.full(len(secs), np.median(np.asarray(secs)/np.asarray(reference)))

# %% normalised wrong: the reference as a multiple of the entry
def normalised(secs, reference):
    return np.median(np.asarray(reference)/np.asarray(secs), axis=1)

# %% normalised wrong: by the fastest round of the reference
def normalised(secs, reference):
    return np.median(secs, axis=1)/np.min(reference, axis=1)

# %% normalised right: a round after the other
def normalised(secs, reference):
    return np.array([sorted(a/b for a, b in zip(x, y))[len(x)//2] for x, y in zip(secs, reference)])

# %% overall wrong: the arithmetic mean
def overall(ratios):
    return np.asarray(ratios).mean(-1)

# %% overall wrong: the product, which the number of parts changes
def overall(ratios):
    return np.prod(ratios, -1)

# %% overall wrong: the harmonic mean
def overall(ratios):
    return 1/(1/np.asarray(ratios)).mean(-1)

# %% overall wrong: the product first, which vanishes for many parts
def overall(ratios):
    ratios = np.asarray(ratios)
    return np.prod(ratios, -1)**(1/ratios.shape[-1])

# %% overall wrong: the square root, right for two parts only
def overall(ratios):
    ratios = np.asarray(ratios)
    return np.exp(np.log(ratios).sum(-1)/(2 if ratios.ndim > 1 else len(ratios)))

# %% overall right: in powers of two
def overall(ratios):
    return 2.**np.mean(np.log2(ratios), axis=-1)

# %% places wrong: the last place counts who is ahead
def places(names, better):
    ahead = {n: sum(b == n for _, b in better) for n in names}
    return {n: (1 + ahead[n], len(names)) for n in names}

# %% places wrong: from 0
def places(names, better):
    ahead = {n: sum(b == n for _, b in better) for n in names}
    behind = {n: sum(a == n for a, _ in better) for n in names}
    return {n: (ahead[n], len(names) - 1 - behind[n]) for n in names}

# %% places wrong: the sides are exchanged
def places(names, better):
    ahead = {n: sum(a == n for a, _ in better) for n in names}
    behind = {n: sum(b == n for _, b in better) for n in names}
    return {n: (1 + ahead[n], len(names) - behind[n]) for n in names}

# %% places wrong: only one who is ahead counts
def places(names, better):
    ahead = {n: any(b == n for _, b in better) for n in names}
    behind = {n: any(a == n for a, _ in better) for n in names}
    return {n: (1 + ahead[n], len(names) - behind[n]) for n in names}

# %% places right: a table of who beats whom
def places(names, better):
    names = list(names)
    beats = np.array([[(a, b) in better for b in names] for a in names], int).reshape(len(names), len(names))
    first, last = 1 + beats.sum(0), len(names) - beats.sum(1)
    return {n: (int(f), int(l)) for n, f, l in zip(names, first, last)}

# %% tiers wrong: cuts the list where neighbours differ
def tiers(names, better):
    groups = [[names[0]]]
    for a, b in zip(names, names[1:]):
        if (a, b) in better: groups.append([])
        groups[-1].append(b)
    return [tuple(g) for g in groups]

# %% tiers wrong: nobody is in two
def tiers(names, better):
    left, groups = list(names), []
    while left:
        g = [left[0]]
        for n in left[1:]:
            if not any((m, n) in better or (n, m) in better for m in g): g.append(n)
        groups.append(tuple(g))
        left = [n for n in left if n not in g]
    return groups

# %% tiers wrong: a stretch of the list for each first entry
def tiers(names, better):
    groups = []
    for i, a in enumerate(names):
        j = i
        while j < len(names) and (a, names[j]) not in better: j += 1
        g = tuple(names[i:j])
        if not any(set(g) <= set(h) for h in groups): groups.append(g)
    return groups

# %% tiers wrong: small ones are not absorbed
def tiers(names, better):
    groups = [tuple(names)]
    for pair in better:
        groups = list(dict.fromkeys(tuple(n for n in g if n != out) for g in groups
                                    for out in (pair if set(pair) <= set(g) else (None,))))
    return sorted(groups, key=lambda g: [list(names).index(n) for n in g])

# %% tiers wrong: in the order of the alphabet
def tiers(names, better):
    groups = [tuple(names)]
    for pair in better:
        parts = [tuple(n for n in g if n != out) for g in groups
                 for out in (pair if set(pair) <= set(g) else (None,))]
        groups = [g for g in dict.fromkeys(parts) if not any(set(g) < set(h) for h in parts)]
    return sorted(groups)

# %% tiers right: from the groups of all sizes
def tiers(names, better):
    names, found = tuple(names), []
    for k in range(len(names), 0, -1):
        for g in combinations(names, k):
            if any((a, b) in better or (b, a) in better for a, b in combinations(g, 2)): continue
            if not any(set(g) <= set(h) for h in found): found.append(g)
    return sorted(found, key=lambda g: [names.index(n) for n in g])
