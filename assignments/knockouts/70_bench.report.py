"Known answers to the exercises of 70_bench.report, for `tinybench course prove`."

# %% positions wrong: an axis of its own for each span
def positions(spans):
    def places(span):
        lo, hi = min(span), max(span)
        return tuple(50. if lo == hi else 5 + 90*(v - lo)/(hi - lo) for v in span)
    return [places(span) for span in spans]

# %% positions wrong: the whole width, so that dots are cut
def positions(spans):
    flat = [v for span in spans for v in span if not math.isnan(v)]
    lo, hi = min(flat, default=0), max(flat, default=0)
    return [tuple(50. if lo == hi else 100*(v - lo)/(hi - lo) for v in span) for span in spans]

# %% positions wrong: one NaN spoils all
def positions(spans):
    flat = [v for span in spans for v in span]
    lo, hi = np.min(flat, initial=math.inf), np.max(flat, initial=-math.inf)
    return [tuple(50. if lo == hi else 5 + 90*(v - lo)/(hi - lo) for v in span) for span in spans]

# %% positions wrong: fails on no spans, or none but NaN
def positions(spans):
    flat = [v for span in spans for v in span if not math.isnan(v)]
    lo, hi = min(flat), max(flat)
    def place(v): return v if math.isnan(v) else 50. if lo == hi else 5 + 90*(v - lo)/(hi - lo)
    return [tuple(map(place, span)) for span in spans]

# %% positions wrong: microseconds that are close count as equal
def positions(spans):
    flat = [v for span in spans for v in span if not math.isnan(v)]
    lo, hi = min(flat, default=0), max(flat, default=0)
    same = np.isclose(lo, hi)
    def place(v): return v if math.isnan(v) else 50. if same else 5 + 90*(v - lo)/(hi - lo)
    return [tuple(map(place, span)) for span in spans]

# %% positions wrong: where all are equal a NaN is drawn at 50 too
def positions(spans):
    flat = [v for span in spans for v in span if not math.isnan(v)]
    lo, hi = min(flat, default=0), max(flat, default=0)
    return [tuple(50. if lo == hi else 5 + 90*(v - lo)/(hi - lo) for v in span) for span in spans]

# %% positions wrong: rounded to a tenth
def positions(spans):
    flat = [v for span in spans for v in span if not math.isnan(v)]
    lo, hi = min(flat, default=0), max(flat, default=0)
    def place(v): return v if math.isnan(v) else 50. if lo == hi else round(5 + 90*(v - lo)/(hi - lo), 1)
    return [tuple(map(place, span)) for span in spans]

# %% positions right: np.interp
def positions(spans):
    import numpy as np
    flat = np.array([v for span in spans for v in span], float)
    flat = np.unique(flat[~np.isnan(flat)])
    if len(flat) > 1: ends, places = flat[[0, -1]], (5, 95)
    else: ends, places = [0, 1], (50, 50)
    return [tuple(np.interp(np.array(span, float), ends, places).tolist()) for span in spans]

# %% data-url wrong: the b of bytes is left in
def data_url(data:bytes) -> str:
    return f'data:{figure_type(data)[1]};base64,{base64.b64encode(data)}'

# %% data-url wrong: the ending in place of the type
def data_url(data:bytes) -> str:
    return f'data:image/{figure_type(data)[0]};base64,{base64.b64encode(data).decode()}'

# %% data-url wrong: everything is an SVG
def data_url(data:bytes) -> str:
    figure_type(data)
    return f'data:image/svg+xml;base64,{base64.b64encode(data).decode()}'

# %% data-url wrong: lines of 76 letters
def data_url(data:bytes) -> str:
    return f'data:{figure_type(data)[1]};base64,{base64.encodebytes(data).decode()}'

# %% data-url wrong: the alphabet for file names, with - and _
def data_url(data:bytes) -> str:
    return f'data:{figure_type(data)[1]};base64,{base64.urlsafe_b64encode(data).decode()}'

# %% data-url wrong: no padding
def data_url(data:bytes) -> str:
    return f'data:{figure_type(data)[1]};base64,{base64.b64encode(data).decode().rstrip("=")}'

# %% data-url wrong: only an SVG that begins with its tag
def data_url(data:bytes) -> str:
    if data.startswith(b'<svg'): kind = 'image/svg+xml'
    elif data.startswith(b'\x89PNG'): kind = 'image/png'
    else: raise ValueError('not a PNG or an SVG')
    return f'data:{kind};base64,{base64.b64encode(data).decode()}'

# %% data-url right: through binascii, put together with join
def data_url(data:bytes) -> str:
    from binascii import b2a_base64
    kinds = dict(png='image/png', svg='image/svg+xml')
    code = str(b2a_base64(data, newline=False), 'ascii')
    return ''.join(['data:', kinds[figure_type(data)[0]], ';base64,', code])

# %% is-report wrong: does not look what else is there
def is_report(folder, kind):
    try: d = json.loads((folder/'results.json').read_text())
    except (OSError, ValueError): return False
    return isinstance(d, dict) and d.get('report') == kind

# %% is-report wrong: does not look into results.json
def is_report(folder, kind):
    names = {p.name for p in folder.iterdir()}
    return 'results.json' in names and names <= report_files(kind)

# %% is-report wrong: every file of a report must be there
def is_report(folder, kind):
    if {p.name for p in folder.iterdir()} != report_files(kind): return False
    try: d = json.loads((folder/'results.json').read_text())
    except (OSError, ValueError): return False
    return isinstance(d, dict) and d.get('report') == kind

# %% is-report wrong: trusts the file to be there and to be JSON
def is_report(folder, kind):
    if not {p.name for p in folder.iterdir()} <= report_files(kind): return False
    d = json.loads((folder/'results.json').read_text())
    return isinstance(d, dict) and d.get('report') == kind

# %% is-report wrong: catches bad JSON, but not bad UTF-8
def is_report(folder, kind):
    if not {p.name for p in folder.iterdir()} <= report_files(kind): return False
    try: d = json.loads((folder/'results.json').read_text(encoding='utf-8'))
    except (OSError, json.JSONDecodeError): return False
    return isinstance(d, dict) and d.get('report') == kind

# %% is-report wrong: takes whatever JSON holds for a dictionary
def is_report(folder, kind):
    if not {p.name for p in folder.iterdir()} <= report_files(kind): return False
    try: return json.loads((folder/'results.json').read_text())['report'] == kind
    except (OSError, ValueError, KeyError): return False

# %% is-report wrong: looks for the word
def is_report(folder, kind):
    if not {p.name for p in folder.iterdir()} <= report_files(kind): return False
    try: return f'"{kind}"' in (folder/'results.json').read_text(encoding='utf-8')
    except (OSError, ValueError): return False

# %% is-report wrong: does not see hidden files
def is_report(folder, kind):
    from glob import glob
    if not {Path(p).name for p in glob(f'{folder}/*')} <= report_files(kind): return False
    try: d = json.loads((folder/'results.json').read_text(encoding='utf-8'))
    except (OSError, ValueError): return False
    return isinstance(d, dict) and d.get('report') == kind

# %% is-report wrong: does not see folders inside it
def is_report(folder, kind):
    if not {p.name for p in folder.iterdir() if p.is_file()} <= report_files(kind): return False
    try: d = json.loads((folder/'results.json').read_text(encoding='utf-8'))
    except (OSError, ValueError): return False
    return isinstance(d, dict) and d.get('report') == kind

# %% is-report wrong: knows a file by its ending
def is_report(folder, kind):
    endings = {Path(name).suffix for name in report_files(kind)}
    if any(p.suffix not in endings for p in folder.iterdir()): return False
    try: d = json.loads((folder/'results.json').read_text(encoding='utf-8'))
    except (OSError, ValueError): return False
    return isinstance(d, dict) and d.get('report') == kind

# %% is-report wrong: a report that has all of its files is none
def is_report(folder, kind):
    if not {p.name for p in folder.iterdir()} < report_files(kind): return False
    try: d = json.loads((folder/'results.json').read_text(encoding='utf-8'))
    except (OSError, ValueError): return False
    return isinstance(d, dict) and d.get('report') == kind

# %% is-report right: the content first, then name by name
def is_report(folder, kind):
    try:
        with open(folder/'results.json', encoding='utf-8') as f: found = json.load(f)
    except OSError: return False
    except ValueError: return False
    if type(found) is not dict or 'report' not in found or found['report'] != kind: return False
    allowed = report_files(kind)
    return all(name in allowed for name in os.listdir(folder))
