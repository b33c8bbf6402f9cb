"Known answers to the exercises of 67_bench.steps, for `tinybench course prove`."

# %% fingerprint wrong: sorts the outer keys only
def fingerprint(settings) -> str:
    text = json.dumps(dict(sorted(plain(settings).items())))
    return hashlib.sha256(text.encode()).hexdigest()

# %% fingerprint wrong: Python's hash is salted
def fingerprint(settings) -> str:
    return f'{hash(json.dumps(plain(settings), sort_keys=True)):064x}'

# %% fingerprint wrong: numpy's numbers become text
def fingerprint(settings) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()

# %% fingerprint wrong: of numpy takes whole numbers only
def fingerprint(settings) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=int).encode()).hexdigest()

# %% fingerprint wrong: twelve letters are enough
def fingerprint(settings) -> str:
    text = json.dumps(plain(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]

# %% fingerprint wrong: sorts the lists as well
def fingerprint(settings) -> str:
    def ordered(x):
        if isinstance(x, dict): return {k: ordered(v) for k,v in x.items()}
        return sorted(map(ordered, x), key=str) if isinstance(x, list) else x
    text = json.dumps(ordered(plain(settings)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

# %% fingerprint wrong: what is None is left out
def fingerprint(settings) -> str:
    kept = {k: v for k,v in plain(settings).items() if v is not None}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()

# %% fingerprint right: sorts on every depth itself, and lets JSON ask what numpy's things are
def fingerprint(settings) -> str:
    def ordered(x):
        if isinstance(x, Mapping): return {k: ordered(x[k]) for k in sorted(x)}
        return [ordered(v) for v in x] if isinstance(x, (list, tuple)) else x
    h = hashlib.sha256()
    h.update(json.dumps(ordered(settings), default=lambda v: v.tolist()).encode('utf-8'))
    return h.hexdigest()

# %% differences wrong: what only the old one has is not seen
def differences(there, here, where=''):
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        return [w for k in here for w in differences(there.get(k), here[k], f'{where}.{k}'.strip('.'))]
    return [] if alike(there, here) else [f'{where} ({short(there)} there, {short(here)} here)']

# %% differences wrong: keys in the order of the alphabet
def differences(there, here, where=''):
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        return [w for k in sorted({*there, *here})
                for w in differences(there.get(k), here.get(k), f'{where}.{k}'.strip('.'))]
    return [] if alike(there, here) else [f'{where} ({short(there)} there, {short(here)} here)']

# %% differences wrong: keys that only the old one has come as a set, in any order
def differences(there, here, where=''):
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        keys = [*here, *(set(there) - set(here))]
        return [w for k in keys for w in differences(there.get(k), here.get(k), f'{where}.{k}'.strip('.'))]
    return [] if alike(there, here) else [f'{where} ({short(there)} there, {short(here)} here)']

# %% differences wrong: equal, where it should be alike
def differences(there, here, where=''):
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        keys = [*here, *(k for k in there if k not in here)]
        return [w for k in keys for w in differences(there.get(k), here.get(k), f'{where}.{k}'.strip('.'))]
    return [] if there == here else [f'{where} ({short(there)} there, {short(here)} here)']

# %% differences wrong: looks at one side only before it goes deeper
def differences(there, here, where=''):
    if isinstance(here, Mapping):
        keys = [*here, *(k for k in there if k not in here)]
        return [w for k in keys for w in differences(there.get(k), here.get(k), f'{where}.{k}'.strip('.'))]
    return [] if alike(there, here) else [f'{where} ({short(there)} there, {short(here)} here)']

# %% differences wrong: a missing dictionary counts as an empty one
def differences(there, here, where=''):
    if isinstance(there, Mapping) or isinstance(here, Mapping):
        there, here = (x if isinstance(x, Mapping) else {} for x in (there, here))
        keys = [*here, *(k for k in there if k not in here)]
        return [w for k in keys for w in differences(there.get(k), here.get(k), f'{where}.{k}'.strip('.'))]
    return [] if alike(there, here) else [f'{where} ({short(there)} there, {short(here)} here)']

# %% differences wrong: long values in full
def differences(there, here, where=''):
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        keys = [*here, *(k for k in there if k not in here)]
        return [w for k in keys for w in differences(there.get(k), here.get(k), f'{where}.{k}'.strip('.'))]
    return [] if alike(there, here) else [f'{where} ({json.dumps(there)} there, {json.dumps(here)} here)']

# %% differences wrong: the default list is kept from call to call
def differences(there, here, where='', found=[]):
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        for k in [*here, *(k for k in there if k not in here)]:
            differences(there.get(k), here.get(k), f'{where}.{k}'.strip('.'), found)
    elif not alike(there, here): found.append(f'{where} ({short(there)} there, {short(here)} here)')
    return found

# %% differences right: a list of what is still to be looked at, no recursion
def differences(there, here, where=''):
    todo, found = [(where, there, here)], []
    while todo:
        at, a, b = todo.pop()
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            keys = list(dict.fromkeys([*b, *a]))
            todo += [(f'{at}.{k}' if at else k, a.get(k), b.get(k)) for k in reversed(keys)]
        elif not alike(a, b): found.append(f'{at} ({short(a)} there, {short(b)} here)')
    return found

# %% kept-step wrong: what is damaged is taken for missing, and overwritten
def kept_step(steps, step, mark, notes):
    if steps is None: return None
    try: return load_step(steps, step, mark)
    except DamagedStep as e:
        name = f'{step_file(step)}.damaged'
        notes.append(f'{step} was measured again, because {e}; that file is now called {name}')

# %% kept-step wrong: refusals are swallowed too
def kept_step(steps, step, mark, notes):
    if steps is None: return None
    try: return load_step(steps, step, mark)
    except ValueError as e:
        path = steps/step_file(step)
        os.replace(path, path.with_name(path.name + '.damaged'))
        notes.append(f'{step} was measured again, because {e}; that file is now called {path.name}.damaged')

# %% kept-step wrong: nothing is noted
def kept_step(steps, step, mark, notes):
    if steps is None: return None
    try: return load_step(steps, step, mark)
    except DamagedStep:
        path = steps/step_file(step)
        os.replace(path, path.with_name(path.name + '.damaged'))

# %% kept-step wrong: the damaged file is deleted
def kept_step(steps, step, mark, notes):
    if steps is None: return None
    try: return load_step(steps, step, mark)
    except DamagedStep as e:
        path = steps/step_file(step)
        path.unlink()
        notes.append(f'{step} was measured again, because {e}; that file is now called {path.name}.damaged')

# %% kept-step wrong: no folder is an error
def kept_step(steps, step, mark, notes):
    try: return load_step(steps, step, mark)
    except DamagedStep as e:
        path = steps/step_file(step)
        os.replace(path, path.with_name(path.name + '.damaged'))
        notes.append(f'{step} was measured again, because {e}; that file is now called {path.name}.damaged')

# %% kept-step right: says it first, moves it afterwards
def kept_step(steps, step, mark, notes):
    found = None
    if steps is not None:
        try: found = load_step(steps, step, mark)
        except DamagedStep as e:
            bad = steps/step_file(step)
            notes.append(f'again {step}: {e} (kept as {bad.name}.damaged)')
            bad.rename(f'{bad}.damaged')
    return found
