"Known answers to the exercises of 59_native.plan, for `tinybench course prove`."

# %% taker wrong: the first value that it reads
def taker(n, read, made):
    first = next(i for i in n.ins if type(i) is int)
    return first if read[first] == 1 else None

# %% taker wrong: whoever else reads it
def taker(n, read, made): return max((i for i in n.ins if type(i) is int), key=made.get)

# %% taker wrong: any value that nobody else reads, however early it is made
def taker(n, read, made):
    return next((i for i in n.ins if type(i) is int and read[i] == 1), None)

# %% taker wrong: the value with the largest number
def taker(n, read, made):
    last = max(i for i in n.ins if type(i) is int)
    return last if read[last] == 1 else None

# %% taker wrong: two that are made at the same time
def taker(n, read, made):
    last = max((i for i in n.ins if type(i) is int), key=made.get)
    return last if read[last] == 1 else None

# %% taker wrong: arrays are in the way
def taker(n, read, made):
    if not all(type(i) is int for i in n.ins): return None
    *before, last = sorted(n.ins, key=made.get)
    return last if read[last] == 1 and all(made[i] < made[last] for i in before) else None

# %% taker right: looks for the largest number of a step, which one value alone has
def taker(n, read, made):
    values = [i for i in n.ins if isinstance(i, int)]
    latest = max(made[i] for i in values)
    found = [i for i in values if made[i] == latest]
    return found[0] if len(found) == 1 and read[found[0]] == 1 else None

# %% least wrong: all at once
def least(sizes, lives): return sum(sizes.values())

# %% least wrong: the largest value
def least(sizes, lives): return max(sizes.values(), default=0)

# %% least wrong: a value is gone in its last step
def least(sizes, lives):
    steps = {a for a, _ in lives.values()}
    return max((sum(sizes[i] for i, (a, b) in lives.items() if a <= k < b) for k in steps), default=0)

# %% least wrong: looks only where lives end
def least(sizes, lives):
    def there(k): return [i for i, (a, b) in lives.items() if a <= k < b or a == b == k]
    return max((sum(sizes[i] for i in there(k)) for _, k in lives.values()), default=0)

# %% least wrong: two at a time
def least(sizes, lives):
    def at_once(i, j): return lives[i][0] <= lives[j][1] and lives[j][0] <= lives[i][1]
    meet = [(i, j) for i in sizes for j in sizes if i < j and at_once(i, j)]
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
