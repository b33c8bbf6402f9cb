"Known answers to the exercises of 59_native.plan, for `tinybench course prove`."

# %% uses wrong: nobody asks for the result
def uses(nodes, out): return Counter(i for n in nodes for i in n.ins if type(i) is int)

# %% uses wrong: a node that reads a value twice counts once
def uses(nodes, out):
    return Counter([i for n in nodes for i in {k for k in n.ins if type(k) is int}] + [out])

# %% uses wrong: the result is read once, whatever reads it besides
def uses(nodes, out):
    found = Counter(i for n in nodes for i in n.ins if type(i) is int)
    found[out] = 1
    return found

# %% uses wrong: the first input only
def uses(nodes, out): return Counter([n.ins[0] for n in nodes if n.ins and type(n.ins[0]) is int] + [out])

# %% uses right: counts one by one
def uses(nodes, out):
    found = Counter({out: 1})
    for n in nodes:
        for i in n.ins:
            if isinstance(i, int): found[i] += 1
    return found

# %% least wrong: all at once
def least(sizes, lives): return sum(sizes.values())

# %% least wrong: the largest value
def least(sizes, lives): return max(sizes.values(), default=0)

# %% least wrong: a value is gone in its last step
def least(sizes, lives):
    def at(k): return sum(sizes[i] for i, (a, b) in lives.items() if a <= k < b)
    return max((at(k) for k, _ in lives.values()), default=0)

# %% least wrong: looks only where lives end
def least(sizes, lives):
    def at(k): return sum(sizes[i] for i, (a, b) in lives.items() if a <= k < b or a == b == k)
    return max((at(k) for _, k in lives.values()), default=0)

# %% least wrong: two at a time
def least(sizes, lives):
    def both(i, j): return lives[i][0] <= lives[j][1] and lives[j][0] <= lives[i][1]
    meet = [(i, j) for i in sizes for j in sizes if i < j and both(i, j)]
    return max([sizes[i] + sizes[j] for i, j in meet] + [*sizes.values()], default=0)

# %% least right: step by step
def least(sizes, lives):
    per_step = Counter()
    for i, (a, b) in lives.items():
        for k in range(a, b + 1): per_step[k] += sizes[i]
    return max(per_step.values(), default=0)

# %% first-fit wrong: in the order in which they are made
def first_fit(sizes, lives):
    places = {}
    for i in sizes:
        (a, b), at = lives[i], 0
        beside = [j for j in places if lives[j][0] <= b and a <= lives[j][1]]
        for low, high in sorted((places[j], places[j] + sizes[j]) for j in beside):
            if at + sizes[i] <= low: break
            at = max(at, high)
        places[i] = at
    return places

# %% first-fit wrong: a value is gone in its last step
def first_fit(sizes, lives):
    places = {}
    for i in sorted(sizes, key=lambda i: (-sizes[i], i)):
        (a, b), at = lives[i], 0
        beside = [j for j in places if lives[j][0] < b and a < lives[j][1]]
        for low, high in sorted((places[j], places[j] + sizes[j]) for j in beside):
            if at + sizes[i] <= low: break
            at = max(at, high)
        places[i] = at
    return places

# %% first-fit wrong: on top of all that lives beside it, and no hole is filled
def first_fit(sizes, lives):
    places = {}
    for i in sorted(sizes, key=lambda i: (-sizes[i], i)):
        beside = [j for j in places if lives[j][0] <= lives[i][1] and lives[i][0] <= lives[j][1]]
        places[i] = max((places[j] + sizes[j] for j in beside), default=0)
    return places

# %% first-fit wrong: goes on at the end of the last one, even if an earlier one ends later
def first_fit(sizes, lives):
    places = {}
    for i in sorted(sizes, key=lambda i: (-sizes[i], i)):
        (a, b), at = lives[i], 0
        beside = [j for j in places if lives[j][0] <= b and a <= lives[j][1]]
        for low, high in sorted((places[j], places[j] + sizes[j]) for j in beside):
            if at + sizes[i] <= low: break
            at = high
        places[i] = at
    return places

# %% first-fit wrong: nobody shares
def first_fit(sizes, lives):
    places, at = {}, 0
    for i in sorted(sizes, key=lambda i: (-sizes[i], i)):
        places[i] = at
        at += sizes[i]
    return places

# %% first-fit right: tries the ends of all that live beside it
def first_fit(sizes, lives):
    places = {}
    for i in sorted(sizes, key=lambda i: (-sizes[i], i)):
        beside = [j for j in places if max(lives[i][0], lives[j][0]) <= min(lives[i][1], lives[j][1])]
        for at in sorted({0, *(places[j] + sizes[j] for j in beside)}):
            if all(at >= places[j] + sizes[j] or places[j] >= at + sizes[i] for j in beside): break
        places[i] = at
    return places
