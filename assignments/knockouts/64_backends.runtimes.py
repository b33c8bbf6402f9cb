"Known answers to the exercises of 64_backends.runtimes, for `tinybench course prove`."

# %% timed wrong: does not wait at the end
def timed(device, job, n=10, clock=time.perf_counter):
    device.sync()
    start = clock()
    for _ in range(n): device.launch(job)
    secs = (clock() - start)/n
    device.sync()
    return secs

# %% timed wrong: earlier work is charged too
def timed(device, job, n=10, clock=time.perf_counter):
    start = clock()
    for _ in range(n): device.launch(job)
    device.sync()
    return (clock() - start)/n

# %% timed wrong: waits for each job
def timed(device, job, n=10, clock=time.perf_counter):
    device.sync()
    start = clock()
    for _ in range(n):
        device.launch(job)
        device.sync()
    return (clock() - start)/n

# %% timed wrong: seconds of all
def timed(device, job, n=10, clock=time.perf_counter):
    device.sync()
    start = clock()
    for _ in range(n): device.launch(job)
    device.sync()
    return clock() - start

# %% timed right: two readings, then a division
def timed(device, job, n=10, clock=time.perf_counter):
    def at_rest():
        device.sync()
        return clock()
    readings = [at_rest()]
    for k in range(n): device.launch(job)
    readings.append(at_rest())
    return (readings[1] - readings[0])/n

# %% inside wrong: down the first arm only
def inside(name, kind, graph):
    way = [name]
    while graph[way[-1]][0] != kind:
        above = [r for r in graph[way[-1]][1] if r in graph]
        if not above: return [name]
        way.append(above[0])
    return way

# %% inside wrong: the first that a walk down the arms meets, however far
def inside(name, kind, graph, way=()):
    way = [*way, name]
    if graph[name][0] == kind: return way
    for r in graph[name][1]:
        if r in graph and r not in way:
            found = inside(r, kind, graph, way)
            if graph[found[-1]][0] == kind: return found
    return way[:1]

# %% inside wrong: only the two ends
def inside(name, kind, graph):
    todo = [name]
    for n in todo:
        if graph[n][0] == kind: return list(dict.fromkeys([name, n]))
        todo += [r for r in graph[n][1] if r in graph and r not in todo]
    return [name]

# %% inside wrong: the operator itself does not count
def inside(name, kind, graph):
    ways = [[name]]
    for way in ways:
        if len(way) > 1 and graph[way[-1]][0] == kind: return way
        if len(ways) > 500: break
        ways += [way + [r] for r in graph[way[-1]][1] if r in graph]
    return [name]

# %% inside right: by distance
def inside(name, kind, graph):
    came, level = {name: None}, [name]
    while level:
        for n in level:
            if graph[n][0] == kind:
                way = [n]
                while came[way[0]] is not None: way.insert(0, came[way[0]])
                return way
        below = []
        for n in level:
            for r in graph[n][1]:
                if r in graph and r not in came:
                    came[r] = n
                    below.append(r)
        level = below
    return [name]

# %% attribute wrong: the first layer of an operator
def attribute(operators, macs):
    rows = {}
    for o in operators:
        row = o.layers[0] if o.layers else f'({o.kind})'
        rows[row] = rows.get(row, 0.) + o.secs
    return rows

# %% attribute wrong: counts at each layer in the operator
def attribute(operators, macs):
    rows = {}
    for o in operators:
        for row in o.layers or [f'({o.kind})']: rows[row] = rows.get(row, 0.) + o.secs
    return rows

# %% attribute wrong: what is in no layer is lost
def attribute(operators, macs):
    rows = {}
    for o in operators:
        if not o.layers: continue
        row = max(o.layers, key=lambda name: macs.get(name, 0))
        rows[row] = rows.get(row, 0.) + o.secs
    return rows

# %% attribute wrong: the last operator of a row counts
def attribute(operators, macs):
    rows = {}
    for o in operators:
        rows[max(o.layers, key=lambda name: macs.get(name, 0), default=f'({o.kind})')] = o.secs
    return rows

# %% attribute wrong: of equals the last
def attribute(operators, macs):
    rows = {}
    for o in operators:
        row = max(reversed(o.layers), key=lambda name: macs.get(name, 0), default=f'({o.kind})')
        rows[row] = rows.get(row, 0.) + o.secs
    return rows

# %% attribute right: sorted
def attribute(operators, macs):
    rows = {}
    for kind, layers, secs in operators:
        names = sorted(layers, key=lambda name: -macs.get(name, 0))
        row = names[0] if names else f'({kind})'
        rows[row] = rows.get(row, 0) + secs
    return rows
