"Known answers to the exercises of 62_backends.base, for `tinybench course prove`."

# %% unique-names wrong: says only the first
def unique_names(names) -> list[str]:
    seen = []
    for n in names:
        if n in seen: raise ValueError(f'{n!r}: more than one of that name, give each its own')
        seen.append(n)
    return seen

# %% unique-names wrong: says all names, also those that come once
def unique_names(names) -> list[str]:
    names = list(names)
    if len(set(names)) < len(names): raise ValueError(f'a name comes more than once in {names}')
    return names

# %% unique-names wrong: takes spaces off
def unique_names(names) -> list[str]:
    names = [n.strip() for n in names]
    if twice := sorted({n for n in names if names.count(n) > 1}): raise ValueError(
        f'{", ".join(map(repr, twice))}: more than one of that name, give each its own')
    return names

# %% unique-names wrong: capitals do not count
def unique_names(names) -> list[str]:
    names = list(names)
    small = [n.lower() for n in names]
    if twice := sorted({n for n in small if small.count(n) > 1}): raise ValueError(
        f'{", ".join(map(repr, twice))}: more than one of that name, give each its own')
    return names

# %% unique-names wrong: a part of a name counts as the name
def unique_names(names) -> list[str]:
    names = list(names)
    if twice := sorted({n for n in names if sum(n in other for other in names) > 1}): raise ValueError(
        f'{", ".join(map(repr, twice))}: more than one of that name, give each its own')
    return names

# %% unique-names wrong: alphabetical
def unique_names(names) -> list[str]:
    names = sorted(names)
    if twice := sorted({n for n in names if names.count(n) > 1}): raise ValueError(
        f'{", ".join(map(repr, twice))}: more than one of that name, give each its own')
    return names

# %% unique-names wrong: reads a generator twice
def unique_names(names) -> list[str]:
    twice = [n for n, k in Counter(names).items() if k > 1]
    if twice: raise ValueError(f'{", ".join(map(repr, twice))}: more than one of that name')
    return list(names)

# %% unique-names wrong: drops the second in silence
def unique_names(names) -> list[str]:
    return list(dict.fromkeys(names))

# %% unique-names right: counts them
def unique_names(names) -> list[str]:
    found = Counter(names)
    if found and max(found.values()) > 1:
        raise ValueError(f'more than one model is called {[n for n, k in found.items() if k > 1]}')
    return list(found)

# %% check-output wrong: looks for NaN, not for infinity
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    out = np.asarray(out)
    want = (batch, *(out.shape[1:] if out_shape is None else out_shape))
    if out.dtype.kind not in 'biuf': raise ModelError(name, f'gave {out.dtype} instead of numbers')
    if out.shape != want: raise ModelError(name, f'gave an output of shape {out.shape} instead of {want}')
    if np.isnan(out).any(): raise ModelError(name, 'gave NaN')
    return out

# %% check-output wrong: one finite number is enough
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    out = np.asarray(out)
    want = (batch, *(out.shape[1:] if out_shape is None else out_shape))
    if out.dtype.kind not in 'biuf': raise ModelError(name, f'gave {out.dtype} instead of numbers')
    if out.shape != want: raise ModelError(name, f'gave an output of shape {out.shape} instead of {want}')
    if not np.isfinite(out).any(): raise ModelError(name, 'gave NaN or inf')
    return out

# %% check-output wrong: takes an empty shape for none
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    out = np.asarray(out)
    want = (batch, *(out_shape or out.shape[1:]))
    if out.dtype.kind not in 'biuf': raise ModelError(name, f'gave {out.dtype} instead of numbers')
    if out.shape != want: raise ModelError(name, f'gave an output of shape {out.shape} instead of {want}')
    if not np.isfinite(out).all(): raise ModelError(name, 'gave NaN or inf')
    return out

# %% check-output wrong: without a shape the batch goes unchecked
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    out = np.asarray(out)
    if out.dtype.kind not in 'biuf': raise ModelError(name, f'gave {out.dtype} instead of numbers')
    if out_shape is not None and out.shape != (batch, *out_shape):
        raise ModelError(name, f'gave an output of shape {out.shape} instead of {(batch, *out_shape)}')
    if not np.isfinite(out).all(): raise ModelError(name, 'gave NaN or inf')
    return out

# %% check-output wrong: only floating numbers are numbers
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    out = np.asarray(out)
    want = (batch, *(out.shape[1:] if out_shape is None else out_shape))
    if out.dtype.kind != 'f': raise ModelError(name, f'gave {out.dtype} instead of numbers')
    if out.shape != want: raise ModelError(name, f'gave an output of shape {out.shape} instead of {want}')
    if not np.isfinite(out).all(): raise ModelError(name, 'gave NaN or inf')
    return out

# %% check-output wrong: complex numbers are numbers too
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    out = np.asarray(out)
    want = (batch, *(out.shape[1:] if out_shape is None else out_shape))
    if not np.issubdtype(out.dtype, np.number) and out.dtype != bool: raise ModelError(name, 'no numbers')
    if out.shape != want: raise ModelError(name, f'gave an output of shape {out.shape} instead of {want}')
    if not np.isfinite(out).all(): raise ModelError(name, 'gave NaN or inf')
    return out

# %% check-output wrong: text that looks like numbers is read as numbers
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    try: out = np.asarray(out, float)
    except (TypeError, ValueError): raise ModelError(name, 'gave no numbers')
    want = (batch, *(out.shape[1:] if out_shape is None else out_shape))
    if out.shape != want: raise ModelError(name, f'gave an output of shape {out.shape} instead of {want}')
    if not np.isfinite(out).all(): raise ModelError(name, 'gave NaN or inf')
    return out

# %% check-output wrong: a single number has no length
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    out = np.asarray(out)
    if out.dtype.kind not in 'biuf': raise ModelError(name, f'gave {out.dtype} instead of numbers')
    if len(out) != batch: raise ModelError(name, f'gave {len(out)} outputs instead of {batch}')
    if out_shape is not None and out.shape[1:] != tuple(out_shape):
        raise ModelError(name, f'gave outputs of shape {out.shape[1:]} instead of {out_shape}')
    if not np.isfinite(out).all(): raise ModelError(name, 'gave NaN or inf')
    return out

# %% check-output wrong: gives back what it was given, a list where it was a list
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    a = np.asarray(out)
    want = (batch, *(a.shape[1:] if out_shape is None else out_shape))
    if a.dtype.kind not in 'biuf': raise ModelError(name, f'gave {a.dtype} instead of numbers')
    if a.shape != want: raise ModelError(name, f'gave an output of shape {a.shape} instead of {want}')
    if not np.isfinite(a).all(): raise ModelError(name, 'gave NaN or inf')
    return out

# %% check-output wrong: as many numbers, in whatever shape
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    out = np.asarray(out)
    if out.dtype.kind not in 'biuf': raise ModelError(name, f'gave {out.dtype} instead of numbers')
    if out_shape is None: return out
    if out.size != batch*np.prod(out_shape): raise ModelError(name, f'gave an output of shape {out.shape}')
    if not np.isfinite(out).all(): raise ModelError(name, 'gave NaN or inf')
    return out.reshape(batch, *out_shape)

# %% check-output right: one question after the other
def check_output(name:str, out, batch:int, out_shape:tuple|None=None) -> np.ndarray:
    a = np.asarray(out)
    if a.dtype.char not in '?' + np.typecodes['AllInteger'] + np.typecodes['Float']:
        raise ModelError(name, f'gave no numbers, but {a.dtype}')
    if not a.ndim or len(a) != batch: raise ModelError(name, f'gave no {batch} outputs: shape {a.shape}')
    if out_shape is not None and list(a.shape[1:]) != list(out_shape):
        raise ModelError(name, f'gave outputs of shape {a.shape[1:]}, not {out_shape}')
    if np.isnan(a).any() or np.isinf(a).any(): raise ModelError(name, 'gave NaN or inf')
    return a
