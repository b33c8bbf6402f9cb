"A fresh process that says too much, says nothing, or does not end."
import sys
import pytest
from tinybench.forms import fresh

def run(monkeypatch, code, **how):
    monkeypatch.setattr(fresh, 'COMMAND', (sys.executable, '-S', '-c', f'import json, sys, time\n{code}'))
    return fresh.run_fresh(dict(name='net'), **how)

ANSWERS = "print(json.dumps('ready'), '3', json.dumps(dict(memory=None, secs=dict(latency=1.))), sep=chr(10), flush=True)"

def test_what_it_says_on_stderr_does_not_stop_it(monkeypatch):
    found = run(monkeypatch, f"sys.stderr.write('x'*200_000)\n{ANSWERS}", secs=60)
    assert (found['answer'], found['latency'], found['memory']) == (3, 1, None) and 0 < found['startup'] <= found['deployment']

@pytest.mark.parametrize('code, says, secs', [
    ("sys.exit('far from home')", 'far from home', 60), ('sys.exit(3)', 'status 3', 60),
    (f"{ANSWERS}\nprint(4)", 'status 0', 60), ("print('no JSON')\nsys.exit('why')", 'why', 60),
    ("sys.stderr.write('x'*200_000 + chr(10))\ntime.sleep(600)", r'it took over 0\.5 s', .5)])
def test_how_it_failed_is_said(monkeypatch, code, says, secs):
    with pytest.raises(ChildProcessError, match=f'a fresh process with net failed: {says}'): run(monkeypatch, code, secs=secs)
