"Known answers to the exercises of 81_device.fit, for `tinybench course prove`."

# %% waiting wrong: always two rows
def waiting(rows:int, stride:int, before:int) -> int:
    return 2 if stride == 1 else 1

# %% waiting wrong: as many as there is padding
def waiting(rows:int, stride:int, before:int) -> int:
    return max(before, 1)

# %% waiting wrong: right for a stride of 1, and one row for any other
def waiting(rows:int, stride:int, before:int) -> int:
    return min(before + 1, rows) if stride == 1 else 1

# %% waiting wrong: more rows wait than there are
def waiting(rows:int, stride:int, before:int) -> int:
    return before + 1 if stride == 1 else max(1, before - stride + 2)

# %% waiting wrong: the row that is just made is not counted
def waiting(rows:int, stride:int, before:int) -> int:
    return max((sum(1 for r in range(t) if r >= t*stride - before) for t in range(rows)), default=0)

# %% waiting wrong: rows of the next step count as free
def waiting(rows:int, stride:int, before:int) -> int:
    return max(1 + sum(1 for r in range(t) if r > t*stride - before) for t in range(rows))

# %% waiting right: by a count for each row
def waiting(rows:int, stride:int, before:int) -> int:
    return max(1 + sum(1 for r in range(t) if r >= t*stride - before) for t in range(rows))

# %% waiting right: by the formula
def waiting(rows:int, stride:int, before:int) -> int:
    return 1 + max([min(t, before - (stride - 1)*t) for t in range(1, rows)] + [0])

# %% widest wrong: asks for each
def widest(fits, low:int, high:int) -> int|None:
    return max((n for n in range(low, high + 1) if fits(n)), default=None)

# %% widest wrong: from the top until one fits
def widest(fits, low:int, high:int) -> int|None:
    return next((n for n in range(high, low - 1, -1) if fits(n)), None)

# %% widest wrong: never the last
def widest(fits, low:int, high:int) -> int|None:
    best = None
    while low < high:
        middle = (low + high)//2
        if fits(middle): best, low = middle, middle + 1
        else: high = middle
    return best

# %% widest wrong: takes the least for granted
def widest(fits, low:int, high:int) -> int|None:
    while low < high:
        middle = (low + high + 1)//2
        if fits(middle): low = middle
        else: high = middle - 1
    return low

# %% widest wrong: begins at 1, whatever the range
def widest(fits, low:int, high:int) -> int|None:
    best, low = None, 1
    while low <= high:
        middle = (low + high)//2
        if fits(middle): best, low = middle, middle + 1
        else: high = middle - 1
    return best

# %% widest wrong: halves by division, and rounds towards 0
def widest(fits, low:int, high:int) -> int|None:
    best = None
    while low <= high:
        middle = max(int((low + high)/2), 0)
        if fits(middle): best, low = middle, middle + 1
        else: high = middle - 1
    return best

# %% widest wrong: asks again for what it knows
def widest(fits, low:int, high:int) -> int|None:
    best = None
    while low <= high:
        middle = (low + high)//2
        if fits(middle): best, low = middle, middle + 1
        else: high = middle - 1
    return best if best is not None and fits(best) else None

# %% widest right: by bisect
def widest(fits, low:int, high:int) -> int|None:
    from bisect import bisect_left
    found = low + bisect_left(range(low, high + 1), True, key=lambda n: not fits(n)) - 1
    return found if found >= low else None

# %% widest right: the two ends come closer
def widest(fits, low:int, high:int) -> int|None:
    yes, no = low - 1, high + 1
    while no - yes > 1:
        middle = (yes + no)//2
        yes, no = (middle, no) if fits(middle) else (yes, middle)
    return yes if yes >= low else None

# %% needed wrong: no halo
def needed(a:int, b:int, rows:int, kernel:int, stride:int, before:int):
    return a*stride, min(b*stride, rows), (before if a == 0 else 0, 0)

# %% needed wrong: rows outside of the image
def needed(a:int, b:int, rows:int, kernel:int, stride:int, before:int):
    return a*stride - before, (b - 1)*stride - before + kernel, (0, 0)

# %% needed wrong: forgets the padding above
def needed(a:int, b:int, rows:int, kernel:int, stride:int, before:int):
    low, high = a*stride, (b - 1)*stride + kernel
    return low, min(high, rows), (0, max(high - rows, 0))

# %% needed wrong: a whole stride for the last row
def needed(a:int, b:int, rows:int, kernel:int, stride:int, before:int):
    low, high = a*stride - before, b*stride - before + kernel - 1
    return max(low, 0), min(high, rows), (max(-low, 0), max(high - rows, 0))

# %% needed wrong: one row of padding at most
def needed(a:int, b:int, rows:int, kernel:int, stride:int, before:int):
    low, high = a*stride - before, (b - 1)*stride - before + kernel
    return max(low, 0), min(high, rows), (int(low < 0), int(high > rows))

# %% needed wrong: all padding at the first piece, none at others
def needed(a:int, b:int, rows:int, kernel:int, stride:int, before:int):
    low, high = a*stride - before, (b - 1)*stride - before + kernel
    return max(low, 0), min(high, rows), (before if a == 0 else 0, max(high - rows, 0))

# %% needed right: by all rows of the windows
def needed(a:int, b:int, rows:int, kernel:int, stride:int, before:int):
    read = {r*stride - before + i for r in (a, b - 1) for i in (0, kernel - 1)}
    first, last = min(read), max(read)
    return max(first, 0), min(last, rows - 1) + 1, (max(0 - first, 0), max(last + 1 - rows, 0))
