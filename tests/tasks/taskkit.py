"What the tests of rules and of submissions share: small sets, short runs, and records of runs."
import numpy as np
from tinybench.backends.base import as_model
from tinybench.nn.dense import Dense, Flatten
from tinybench.nn.module import Sequential
from tinybench.tasks.rules import Compliance, Entry, generate_compliance_report
from tinybench.tasks.run import Outcome, Rules, TinyMLPerf
from tinybench.tasks.task import Examples, digit_pictures

SHORT = Rules(secs=.001)
SYSTEM = dict(name='a-board', status='rdi', quantization='none: 32 bits')
SHAPE = 32, 32, 3

def pictures(n=40):
    d = digit_pictures()
    return Examples('digits', d.x[:n], d.y[:n])

def net(seed=0):
    "A network that is right for about one digit in ten."
    return Sequential(Flatten(), Dense(32*32*3, 10, np.random.default_rng(seed))).eval()

def oracle(e:Examples):
    "A network that knows the pictures of `e` by heart (ridge regression, in its dual form)."
    x = e.x.reshape(len(e.x), -1).astype(float)
    made = net()
    made[1].w.data[:] = x.T @ np.linalg.solve(x @ x.T + 1e-3*np.trace(x @ x.T)/len(x)*np.eye(len(x)), np.eye(10)[e.y]*10)
    return made

def report_on(model, e=None, task='ic01', division='closed', references=None, rules=SHORT, **about):
    "A short run of one task, judged; the reference is the network itself if none is given."
    model = model if hasattr(model, 'feed') else as_model('net', model, SHAPE)
    run = TinyMLPerf({task: model}, {task: e or pictures()}, rules=rules)
    ref = {task: model.source} if references is None else references
    about = dict(org='us', system=SYSTEM) | about
    return generate_compliance_report(run, run.run(False), division=division, references=ref, **about)

def as_if_long(c:Compliance, factor=10**5) -> Compliance:
    "The record of a run with the same rates whose windows lasted `factor` times as long: only for tests of records."
    def longer(e):
        d = e.outcome.to_dict()
        how = d['speed']['how']
        how |= dict(secs=[factor*s for s in how['secs']], calls=[factor*n for n in how['calls']])
        o = Outcome.from_dict(d)
        return Entry(o, e.check, e.truth, e.answers)
    return Compliance(c.division, c.org, c.system, map(longer, c.entries), c.settings, c.env)
