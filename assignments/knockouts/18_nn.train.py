"Known answers to the exercises of 18_nn.train, for `tinybench course prove`."

# %% train-step wrong: never clears the gradients
def train_step(run, x, y):
    loss = run.loss(run.net(x), y)
    value = loss.item()
    check_finite(run, value)
    loss.backward()
    run.opt.step()
    return value

# %% train-step wrong: clears the gradients it has just computed
def train_step(run, x, y):
    loss = run.loss(run.net(x), y)
    value = loss.item()
    check_finite(run, value)
    loss.backward()
    run.opt.zero_grad()
    run.opt.step()
    return value

# %% train-step wrong: looks at the loss when the weights have moved
def train_step(run, x, y):
    run.opt.zero_grad()
    loss = run.loss(run.net(x), y)
    loss.backward()
    run.opt.step()
    check_finite(run, loss.item())
    return loss.item()

# %% train-step wrong: counts the step, as the caller does
def train_step(run, x, y):
    loss = run.loss(run.net(x), y)
    value = loss.item()
    check_finite(run, value)
    run.opt.zero_grad()
    loss.backward()
    run.opt.step()
    run.step += 1
    return value

# %% train-step wrong: always the cross-entropy
def train_step(run, x, y):
    loss = cross_entropy(run.net(x), y)
    value = loss.item()
    check_finite(run, value)
    run.opt.zero_grad()
    loss.backward()
    run.opt.step()
    return value

# %% train-step wrong: asks the network again for the value to return
def train_step(run, x, y):
    loss = run.loss(run.net(x), y)
    check_finite(run, loss.item())
    run.opt.zero_grad()
    loss.backward()
    run.opt.step()
    return run.loss(run.net(x), y).item()

# %% train-step wrong: skips a loss that is not finite, in silence
def train_step(run, x, y):
    loss = run.loss(run.net(x), y)
    value = loss.item()
    if isfinite(value):
        run.opt.zero_grad()
        loss.backward()
        run.opt.step()
    return value

# %% train-step wrong: looks for NaN, lets infinity through
def train_step(run, x, y):
    loss = run.loss(run.net(x), y)
    value = loss.item()
    if value != value: check_finite(run, value)
    run.opt.zero_grad()
    loss.backward()
    run.opt.step()
    return value

# %% train-step right: clears first, and raises in its own words
def train_step(run, x, y):
    for p in run.opt.params: p.grad = None
    loss = run.loss(run.net(x), y)
    if not np.isfinite(loss.data):
        raise FloatingPointError(f'no finite loss at step {run.step + 1} (epoch {run.epoch + 1})')
    loss.backward()
    run.opt.step()
    return float(loss.data)

# %% evaluate wrong: every batch counts the same
def evaluate(net, batches, *scores):
    totals, n = np.zeros(len(scores)), 0
    with evaluating(net):
        for x, y in batches:
            out = net(x)
            totals += [float(f(out, y)) for f in scores]
            n += 1
    return (totals/n if n else totals + np.nan).tolist()

# %% evaluate wrong: dropout stays on
def evaluate(net, batches, *scores):
    totals, n = np.zeros(len(scores)), 0
    for x, y in batches:
        out = net(x)
        totals += [len(x)*float(f(out, y)) for f in scores]
        n += len(x)
    return (totals/n if n else totals + np.nan).tolist()

# %% evaluate wrong: all layers are training afterwards
def evaluate(net, batches, *scores):
    totals, n = np.zeros(len(scores)), 0
    net.eval()
    try:
        for x, y in batches:
            out = net(x)
            totals += [len(x)*float(f(out, y)) for f in scores]
            n += len(x)
    finally: net.train()
    return (totals/n if n else totals + np.nan).tolist()

# %% evaluate wrong: an error leaves the network in evaluation mode
def evaluate(net, batches, *scores):
    totals, n = np.zeros(len(scores)), 0
    was = [(m, m.training) for _, m in walk(net)]
    net.eval()
    for x, y in batches:
        out = net(x)
        totals += [len(x)*float(f(out, y)) for f in scores]
        n += len(x)
    for m, mode in was: m.training = mode
    return (totals/n if n else totals + np.nan).tolist()

# %% evaluate wrong: walks through the batches twice
def evaluate(net, batches, *scores):
    n = sum(len(x) for x, _ in batches)
    if not n: return [float('nan')]*len(scores)
    totals = np.zeros(len(scores))
    with evaluating(net):
        for x, y in batches:
            out = net(x)
            totals += [len(x)/n*float(f(out, y)) for f in scores]
    return totals.tolist()

# %% evaluate wrong: asks the network anew for each score
def evaluate(net, batches, *scores):
    totals, n = np.zeros(len(scores)), 0
    with evaluating(net):
        for x, y in batches:
            totals += [len(x)*float(f(net(x), y)) for f in scores]
            n += len(x)
    return (totals/n if n else totals + np.nan).tolist()

# %% evaluate wrong: divides by no examples
def evaluate(net, batches, *scores):
    totals, n = [0.]*len(scores), 0
    with evaluating(net):
        for x, y in batches:
            out = net(x)
            totals = [t + len(x)*float(f(out, y)) for t, f in zip(totals, scores)]
            n += len(x)
    return [t/n for t in totals]

# %% evaluate right: collects, then lets numpy weigh
def evaluate(net, batches, *scores):
    sizes, rows = [], []
    with evaluating(net):
        for x, y in batches:
            out = net(x)
            sizes.append(len(x))
            rows.append([float(score(out, y)) for score in scores])
    if not sizes: return [float('nan') for _ in scores]
    return [float(np.average(column, weights=sizes)) for column in zip(*rows)]

# %% epochs-since-best wrong: one epoch too many
def epochs_since_best(values, lower_is_better=True):
    best = min(values) if lower_is_better else max(values)
    return len(values) - values.index(best)

# %% epochs-since-best wrong: the latest of several equals
def epochs_since_best(values, lower_is_better=True):
    best = min(values) if lower_is_better else max(values)
    return values[::-1].index(best)

# %% epochs-since-best wrong: the latest of several equals, where lower is better
def epochs_since_best(values, lower_is_better=True):
    at = 0
    for i, v in enumerate(values):
        if v <= values[at] if lower_is_better else v > values[at]: at = i
    return len(values) - 1 - at

# %% epochs-since-best wrong: lower is always better
def epochs_since_best(values, lower_is_better=True):
    return len(values) - 1 - values.index(min(values))

# %% epochs-since-best wrong: how long since it was better than the epoch before
def epochs_since_best(values, lower_is_better=True):
    age = 0
    for a, b in zip(values, values[1:]):
        age = 0 if (b < a if lower_is_better else b > a) else age + 1
    return age

# %% epochs-since-best wrong: starts from a best value of 0
def epochs_since_best(values, lower_is_better=True):
    best, at = float('inf') if lower_is_better else 0, 0
    for i, v in enumerate(values):
        if v < best if lower_is_better else v > best: best, at = v, i
    return len(values) - 1 - at

# %% epochs-since-best right: argmin of the numbers or of their negatives
def epochs_since_best(values, lower_is_better=True):
    sign = 1 if lower_is_better else -1
    return len(values) - 1 - int(np.argmin(sign*np.array(values)))

# %% epochs-since-best right: a loop that remembers its age
def epochs_since_best(values, lower_is_better=True):
    best, age = values[0], 0
    for v in values[1:]:
        better = v < best if lower_is_better else v > best
        best, age = (v, 0) if better else (best, age + 1)
    return age

# %% restore wrong: forgets the random generators
def restore(run, arrays):
    def part(prefix):
        return {k.removeprefix(prefix + '.'): v for k, v in arrays.items() if k.startswith(prefix + '.')}
    facts = json.loads(str(arrays['facts']))
    check_snapshot(run, facts)
    before = run.net.state_dict()
    run.net.load_state_dict(part('net'))
    try: run.opt.load_state_dict(part('opt'))
    except KeyError: run.net.load_state_dict(before); raise
    for name, c in stateful(run).items(): c.load(part(name))
    run.epoch, run.step, run.stop = facts['epoch'], facts['step'], facts['stop']
    run.history = History(facts['history'])

# %% restore wrong: forgets the memory of the optimizer
def restore(run, arrays):
    def part(prefix):
        return {k.removeprefix(prefix + '.'): v for k, v in arrays.items() if k.startswith(prefix + '.')}
    facts = json.loads(str(arrays['facts']))
    check_snapshot(run, facts)
    run.net.load_state_dict(part('net'))
    for g, state in zip(generators(run), facts['rngs']): g.bit_generator.state = state
    for name, c in stateful(run).items(): c.load(part(name))
    run.epoch, run.step, run.stop = facts['epoch'], facts['step'], facts['stop']
    run.history = History(facts['history'])

# %% restore wrong: a network half restored where the optimizer refuses
def restore(run, arrays):
    def part(prefix):
        return {k.removeprefix(prefix + '.'): v for k, v in arrays.items() if k.startswith(prefix + '.')}
    facts = json.loads(str(arrays['facts']))
    check_snapshot(run, facts)
    run.net.load_state_dict(part('net'))
    run.opt.load_state_dict(part('opt'))
    for g, state in zip(generators(run), facts['rngs']): g.bit_generator.state = state
    for name, c in stateful(run).items(): c.load(part(name))
    run.epoch, run.step, run.stop = facts['epoch'], facts['step'], facts['stop']
    run.history = History(facts['history'])

# %% restore wrong: puts the network back and swallows the error
def restore(run, arrays):
    def part(prefix):
        return {k.removeprefix(prefix + '.'): v for k, v in arrays.items() if k.startswith(prefix + '.')}
    facts = json.loads(str(arrays['facts']))
    check_snapshot(run, facts)
    before = run.net.state_dict()
    try:
        run.net.load_state_dict(part('net'))
        run.opt.load_state_dict(part('opt'))
    except KeyError:
        run.net.load_state_dict(before)
        return
    for g, state in zip(generators(run), facts['rngs']): g.bit_generator.state = state
    for name, c in stateful(run).items(): c.load(part(name))
    run.epoch, run.step, run.stop = facts['epoch'], facts['step'], facts['stop']
    run.history = History(facts['history'])

# %% restore wrong: does not ask check_snapshot
def restore(run, arrays):
    def part(prefix):
        return {k.removeprefix(prefix + '.'): v for k, v in arrays.items() if k.startswith(prefix + '.')}
    facts = json.loads(str(arrays['facts']))
    before = run.net.state_dict()
    run.net.load_state_dict(part('net'))
    try: run.opt.load_state_dict(part('opt'))
    except KeyError: run.net.load_state_dict(before); raise
    for g, state in zip(generators(run), facts['rngs']): g.bit_generator.state = state
    for name, c in stateful(run).items(): c.load(part(name))
    run.epoch, run.step, run.stop = facts['epoch'], facts['step'], facts['stop']
    run.history = History(facts['history'])

# %% restore wrong: a prefix without its dot, so Note1 also takes what is Note10's
def restore(run, arrays):
    def part(prefix): return {k[len(prefix) + 1:]: v for k, v in arrays.items() if k.startswith(prefix)}
    facts = json.loads(str(arrays['facts']))
    check_snapshot(run, facts)
    before = run.net.state_dict()
    run.net.load_state_dict(part('net'))
    try: run.opt.load_state_dict(part('opt'))
    except KeyError: run.net.load_state_dict(before); raise
    for g, state in zip(generators(run), facts['rngs']): g.bit_generator.state = state
    for name, c in stateful(run).items(): c.load(part(name))
    run.epoch, run.step, run.stop = facts['epoch'], facts['step'], facts['stop']
    run.history = History(facts['history'])

# %% restore wrong: the history comes back as a plain list
def restore(run, arrays):
    def part(prefix):
        return {k.removeprefix(prefix + '.'): v for k, v in arrays.items() if k.startswith(prefix + '.')}
    facts = json.loads(str(arrays['facts']))
    check_snapshot(run, facts)
    before = run.net.state_dict()
    run.net.load_state_dict(part('net'))
    try: run.opt.load_state_dict(part('opt'))
    except KeyError: run.net.load_state_dict(before); raise
    for g, state in zip(generators(run), facts['rngs']): g.bit_generator.state = state
    for name, c in stateful(run).items(): c.load(part(name))
    for k in ('epoch', 'step', 'stop', 'history'): setattr(run, k, facts[k])

# %% restore wrong: the generators are wound back before the optimizer has agreed
def restore(run, arrays):
    def part(prefix):
        return {k.removeprefix(prefix + '.'): v for k, v in arrays.items() if k.startswith(prefix + '.')}
    facts = json.loads(str(arrays['facts']))
    check_snapshot(run, facts)
    for g, state in zip(generators(run), facts['rngs']): g.bit_generator.state = state
    before = run.net.state_dict()
    run.net.load_state_dict(part('net'))
    try: run.opt.load_state_dict(part('opt'))
    except KeyError: run.net.load_state_dict(before); raise
    for name, c in stateful(run).items(): c.load(part(name))
    run.epoch, run.step, run.stop = facts['epoch'], facts['step'], facts['stop']
    run.history = History(facts['history'])

# %% restore right: sorts the arrays by prefix first, and puts both old states back
def restore(run, arrays):
    facts, parts = json.loads(str(arrays['facts'])), {}
    check_snapshot(run, facts)
    for name, a in arrays.items():
        prefix, _, key = name.partition('.')
        parts.setdefault(prefix, {})[key] = a
    old = run.net.state_dict(), run.opt.state_dict()
    try:
        run.net.load_state_dict(parts['net'])
        run.opt.load_state_dict(parts['opt'])
    except KeyError:
        run.net.load_state_dict(old[0])
        run.opt.load_state_dict(old[1])
        raise
    for i, g in enumerate(generators(run)): g.bit_generator.state = facts['rngs'][i]
    for name, c in stateful(run).items(): c.load(parts.get(name, {}))
    for k in ('epoch', 'step', 'stop'): setattr(run, k, facts[k])
    run.history = History(facts['history'])
