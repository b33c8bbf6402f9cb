"Known answers to the exercises of 41_measure.looks, for `tinybench course prove`."

# %% boundary wrong: spends anew at each look
def boundary(sums, shares, alpha=.05):
    alive, bars = np.ones(sums.shape[1], bool), []
    for row, t in zip(sums, shares):
        spend = int(alpha*t*t*len(alive) + 1e-9)
        bars.append(float(np.sort(row[alive])[::-1][spend]) + 1e-9)
        alive &= row <= bars[-1]
    return bars

# %% boundary wrong: the dead can die again
def boundary(sums, shares, alpha=.05):
    alive, bars = np.ones(sums.shape[1], bool), []
    for row, t in zip(sums, shares):
        spend = int(alpha*t*t*len(alive) + 1e-9) - int((~alive).sum())
        bars.append(float(np.sort(row)[::-1][spend]) + 1e-9)
        alive &= row <= bars[-1]
    return bars

# %% boundary wrong: spends in proportion to the share
def boundary(sums, shares, alpha=.05):
    alive, bars = np.ones(sums.shape[1], bool), []
    for row, t in zip(sums, shares):
        spend = int(alpha*t*len(alive) + 1e-9) - int((~alive).sum())
        bars.append(float(np.sort(row[alive])[::-1][spend]) + 1e-9)
        alive &= row <= bars[-1]
    return bars

# %% boundary wrong: all of it at every look, as those who peek
def boundary(sums, shares, alpha=.05):
    return [float(np.sort(row)[::-1][int(alpha*len(row) + 1e-9)]) + 1e-9 for row in sums]

# %% boundary wrong: one path too many may die
def boundary(sums, shares, alpha=.05):
    alive, bars = np.ones(sums.shape[1], bool), []
    for row, t in zip(sums, shares):
        spend = int(alpha*t*t*len(alive) + 1e-9) - int((~alive).sum())
        bars.append(float(np.sort(row[alive])[::-1][spend]) - 1e-9)
        alive &= row <= bars[-1]
    return bars

# %% boundary wrong: what is left of alpha is counted among the living
def boundary(sums, shares, alpha=.05):
    alive, bars = np.ones(sums.shape[1], bool), []
    for row, t in zip(sums, shares):
        spend = int(alpha*t*t*alive.sum() + 1e-9) - int((~alive).sum())
        bars.append(float(np.sort(row[alive])[::-1][max(spend, 0)]) + 1e-9)
        alive &= row <= bars[-1]
    return bars

# %% boundary wrong: rounds a whole number of paths down
def boundary(sums, shares, alpha=.05):
    alive, bars = np.ones(sums.shape[1], bool), []
    for row, t in zip(sums, shares):
        spend = int(alpha*t*t*len(alive)) - int((~alive).sum())
        bars.append(float(np.sort(row[alive])[::-1][spend]) + 1e-9)
        alive &= row <= bars[-1]
    return bars

# %% boundary right: keeps the living in a list
def boundary(sums, shares, alpha=.05):
    living, bars, n = list(range(sums.shape[1])), [], sums.shape[1]
    for row, t in zip(sums, shares):
        may = math.floor(alpha*t**2*n + 1e-9) - (n - len(living))
        bars.append(sorted((row[i] for i in living), reverse=True)[may] + 1e-9)
        living = [i for i in living if row[i] <= bars[-1]]
    return bars

# %% until-decided wrong: measures all at once
def until_decided(more, most, looks=5, band=.02, level=.95):
    d = more(most)
    for n in look_ends(most, looks):
        if (seen := look(d[:n], most, looks, band, level)).decided: break
    return seen

# %% until-decided wrong: never stops
def until_decided(more, most, looks=5, band=.02, level=.95):
    for n in look_ends(most, looks): seen = look(more(n), most, looks, band, level)
    return seen

# %% until-decided wrong: stops for a difference only
def until_decided(more, most, looks=5, band=.02, level=.95):
    for n in look_ends(most, looks):
        if (seen := look(more(n), most, looks, band, level)).leans: break
    return seen

# %% until-decided wrong: as if each look were the last of its plan
def until_decided(more, most, looks=5, band=.02, level=.95):
    for n in look_ends(most, looks):
        if (seen := look(more(n), n, 1, band, level)).decided: break
    return seen

# %% until-decided wrong: forgets band and level
def until_decided(more, most, looks=5, band=.02, level=.95):
    for n in look_ends(most, looks):
        if (seen := look(more(n), most, looks)).decided: break
    return seen

# %% until-decided right: by hand
def until_decided(more, most, looks=5, band=.02, level=.95):
    ends = list(look_ends(most, looks))
    seen = look(more(ends.pop(0)), most, looks, band, level)
    while ends and not seen.decided: seen = look(more(ends.pop(0)), most, looks, band, level)
    return seen
