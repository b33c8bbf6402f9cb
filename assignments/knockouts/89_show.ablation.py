"Known answers to the exercises of 89_show.ablation, for `tinybench course prove`."

# %% conflict wrong: only neighbours are compared
def conflict(order, needs=NEEDS):
    order = list(order)
    for a, b in zip(order, order[1:]):
        for what in sorted(needs[a].ends & needs[b].needs): return a, b, what
    return None

# %% conflict wrong: the last step that ended it is blamed
def conflict(order, needs=NEEDS):
    ended = {}
    for name in order:
        for what in sorted(needs[name].needs):
            if what in ended: return ended[what], name, what
        for what in needs[name].ends: ended[what] = name
    return None

# %% conflict wrong: a step stands in its own way
def conflict(order, needs=NEEDS):
    ended = {}
    for name in order:
        for what in needs[name].ends: ended.setdefault(what, name)
        for what in sorted(needs[name].needs):
            if what in ended: return ended[what], name, what
    return None

# %% conflict wrong: the first pair by its earlier step
def conflict(order, needs=NEEDS):
    order = list(order)
    for i, a in enumerate(order):
        for b in order[i+1:]:
            for what in sorted(needs[a].ends & needs[b].needs): return a, b, what
    return None

# %% conflict right: every pair, the later step first
def conflict(order, needs=NEEDS):
    order = list(order)
    for j, b in enumerate(order):
        for a in order[:j]:
            if both := needs[a].ends & needs[b].needs: return a, b, min(both)
    return None

# %% sensible wrong: steps that end nothing first, then the others as they come
def sensible(wanted, needs=NEEDS):
    wanted = list(wanted)
    order = tuple(sorted(wanted, key=lambda n: len(needs[n].ends)))
    if conflict(order, needs): raise ValueError(f'{" and ".join(wanted)} do not go together')
    return order

# %% sensible wrong: built from the end, so that other steps move than have to
def sensible(wanted, needs=NEEDS):
    left, order = list(wanted), []
    while left:
        last = [b for b in left if not any(needs[b].needs & needs[a].ends for a in left if a != b)]
        if not last: raise ValueError(f'{" and ".join(left)} do not go together')
        order.insert(0, last[-1])
        left.remove(last[-1])
    return tuple(order)

# %% sensible wrong: a step that needs and ends the same thing is never free
def sensible(wanted, needs=NEEDS):
    left, order = list(wanted), []
    while left:
        free = [a for a in left if not any(needs[a].ends & needs[b].needs for b in left)]
        if not free: raise ValueError(f'{" and ".join(left)} do not go together')
        order.append(free[0])
        left.remove(free[0])
    return tuple(order)

# %% sensible wrong: all free steps at once
def sensible(wanted, needs=NEEDS):
    left, order = list(wanted), []
    while left:
        free = [a for a in left if not any(needs[a].ends & needs[b].needs for b in left if b != a)]
        if not free: raise ValueError(f'{" and ".join(left)} do not go together')
        order += free
        left = [a for a in left if a not in free]
    return tuple(order)

# %% sensible wrong: names all steps, and not those that are left over
def sensible(wanted, needs=NEEDS):
    wanted = list(wanted)
    left, order = list(wanted), []
    while left:
        free = [a for a in left if not any(needs[a].ends & needs[b].needs for b in left if b != a)]
        if not free: raise ValueError(f'{" and ".join(wanted)} do not go together')
        order.append(free[0])
        left.remove(free[0])
    return tuple(order)

# %% sensible right: counts how many steps still have to come before
def sensible(wanted, needs=NEEDS):
    wanted = list(wanted)
    before = {a: {b for b in wanted if b != a and needs[a].ends & needs[b].needs} for a in wanted}
    order = []
    while before:
        ready = next((a for a in before if not before[a]), None)
        if ready is None: raise ValueError(f'{" and ".join(before)} do not go together')
        del before[ready]
        for others in before.values(): others.discard(ready)
        order.append(ready)
    return tuple(order)

# %% promised wrong: the gains of single layers multiplied
def promised(shares, factors):
    return float(np.prod([1/(1 - s + s/factors.get(name, 1)) for name, s in shares.items()]))

# %% promised wrong: the mean of the factors, weighted by time
def promised(shares, factors):
    whole = max(1, sum(shares.values()))
    return 1 + sum(s/whole*(factors.get(name, 1) - 1) for name, s in shares.items())

# %% promised wrong: shares always as parts of their sum, so that no time is outside of the layers
def promised(shares, factors):
    whole = sum(shares.values())
    return whole/sum(s/factors.get(name, 1) for name, s in shares.items())

# %% promised wrong: shares above 1 as they are
def promised(shares, factors):
    return 1/(1 + sum(s*(1/factors.get(name, 1) - 1) for name, s in shares.items()))

# %% promised wrong: a layer that becomes slower counts as before
def promised(shares, factors):
    whole = max(1, sum(shares.values()))
    return 1/(1 + sum(s/whole*(1/max(factors.get(name, 1), 1) - 1) for name, s in shares.items()))

# %% promised right: the seconds that are left
def promised(shares, factors):
    rest = max(0, 1 - sum(shares.values()))
    before = rest + sum(shares.values())
    return before/(rest + sum(s/factors.get(name, 1) for name, s in shares.items()))
