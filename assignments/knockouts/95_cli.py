"Known answers to the exercises of 95_cli, for `tinybench course prove`."

# %% as-share wrong: a bare 5 is 5%
def as_share(text):
    try: share = float(text.strip().removesuffix('%'))
    except ValueError: share = -1.
    if not 0 <= share <= 100: raise ValueError(f'{text!r} is no share')
    return share/100 if share > 1 or text.strip().endswith('%') else share

# %% as-share wrong: blanks around the text
def as_share(text):
    try: share = float(text.removesuffix('%'))/(100 if text.endswith('%') else 1)
    except ValueError: share = -1.
    if not 0 <= share <= 1: raise ValueError(f'{text!r} is no share')
    return share

# %% as-share wrong: a percentage may be anything
def as_share(text):
    text = text.strip()
    if text.endswith('%'): return float(text[:-1])/100
    if not 0 <= float(text) <= 1: raise ValueError(f'{text!r} is no share')
    return float(text)

# %% as-share wrong: NaN is neither below 0 nor above 1
def as_share(text):
    number = text.strip().removesuffix('%').strip()
    share = float(number)/(100 if text.strip().endswith('%') else 1)
    if share < 0 or share > 1: raise ValueError(f'{text!r} is no share')
    return share

# %% as-share wrong: removes every %
def as_share(text):
    try: share = float(text.replace('%', ''))/(100 if '%' in text else 1)
    except ValueError: share = -1.
    if not 0 <= share <= 1: raise ValueError(f'{text!r} is no share')
    return share

# %% as-share wrong: 100% is too much
def as_share(text):
    number = text.strip().removesuffix('%').strip()
    try: share = float(number)/(100 if text.strip().endswith('%') else 1)
    except ValueError: share = -1.
    if not 0 <= share < 1: raise ValueError(f'{text!r} is no share')
    return share

# %% as-share wrong: what is no number counts as 0
def as_share(text):
    number = text.strip().removesuffix('%').strip()
    try: share = float(number)/(100 if text.strip().endswith('%') else 1)
    except ValueError: return 0.
    if not 0 <= share <= 1: raise ValueError(f'{text!r} is no share')
    return share

# %% as-share right: cut at the first %, with a bound of its own for each way of writing
def as_share(text):
    number, sign, rest = text.partition('%')
    if rest.strip(): raise ValueError(f'{text!r} is no share')
    most = 100 if sign else 1
    value = float(number)
    if value >= 0 and value <= most: return value/most
    raise ValueError(f'{text!r} is no share')

# %% gate wrong: a limit of five percent, whatever is asked
def gate(lo, hi, limit):
    if lo > 1.05: return 'fail'
    return 'pass' if hi <= 1.05 else 'undecided'

# %% gate wrong: fails as soon as it may be too slow
def gate(lo, hi, limit):
    return 'fail' if hi > 1 + limit else 'pass'

# %% gate wrong: surely slower at all, not by more than the limit
def gate(lo, hi, limit):
    if lo > 1: return 'fail'
    return 'pass' if hi <= 1 + limit else 'undecided'

# %% gate wrong: an interval that touches the limit from above fails
def gate(lo, hi, limit):
    if lo >= 1 + limit: return 'fail'
    return 'pass' if hi <= 1 + limit else 'undecided'

# %% gate wrong: an interval that touches the limit from below does not pass
def gate(lo, hi, limit):
    if lo > 1 + limit: return 'fail'
    return 'pass' if hi < 1 + limit else 'undecided'

# %% gate wrong: without an interval it passes
def gate(lo, hi, limit):
    if lo > 1 + limit: return 'fail'
    if hi > 1 + limit: return 'undecided'
    return 'pass'

# %% gate right: which ends are below the bar
def gate(lo, hi, limit):
    below = [end <= 1 + limit for end in (lo, hi)]
    above = [end > 1 + limit for end in (lo, hi)]
    return 'pass' if all(below) else 'fail' if all(above) else 'undecided'
