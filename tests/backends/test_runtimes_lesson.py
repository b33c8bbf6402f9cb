"Rows that add up, answers in parts of the largest, a device that goes on without its caller."
import math
from threading import Event

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tinybench.backends.base import ModelError, Watched, as_model
from tinybench.backends.export import relative_error
from tinybench.backends.runtimes import Device, LayerTable, Operator, attribute, inside, timed

NAMES = [f'{k} L' for k in range(5)]
operators = st.lists(st.builds(Operator, st.sampled_from('ABC'), st.lists(st.sampled_from(NAMES), max_size=3).map(tuple),
                               st.floats(0, 10)), max_size=20)

@given(operators, st.dictionaries(st.sampled_from(NAMES), st.integers(0, 5)))
def test_rows_add_up_and_each_operator_is_in_a_row_of_its_own_layers(ops, macs):
    rows = attribute(ops, macs)
    assert math.isclose(sum(rows.values()), sum(o.secs for o in ops), rel_tol=1e-12, abs_tol=1e-12)
    for o in ops:
        own = attribute([o], macs)
        (row, secs), = own.items()
        assert secs == o.secs and row in (o.layers or [f'({o.kind})'])
        assert not o.layers or macs.get(row, 0) == max(macs.get(k, 0) for k in o.layers)

@given(st.lists(st.tuples(st.sampled_from('AB'), st.lists(st.integers(0, 30), max_size=3)), min_size=1, max_size=12))
def test_what_is_inside_is_a_way_up_the_graph_to_the_nearest(nodes):
    # a node reads earlier nodes only; other numbers are inputs
    graph = {str(i): (kind, [str(r) if r < i else f'x{r}' for r in reads]) for i, (kind, reads) in enumerate(nodes)}
    last = str(len(nodes) - 1)
    way = inside(last, 'A', graph)
    assert way[0] == last and all(b in graph[a][1] for a, b in zip(way, way[1:]))
    def distance(n): return 0 if graph[n][0] == 'A' else 1 + min((distance(r) for r in graph[n][1] if r in graph), default=99)
    far = distance(last)
    assert len(way) == far + 1 if far < 99 else way == [last]

def test_a_device_is_closed_once_for_all_and_says_what_went_wrong_when_it_is_asked():
    d, gate = Device(), Event()
    d.launch(gate.wait)
    d.launch(lambda: 1/0)
    assert (d.launched, d.done) == (2, 0)           # the caller goes on
    gate.set()
    with pytest.raises(ZeroDivisionError): d.sync()
    d.sync()                                        # it has been said
    assert d.done == 2 and timed(d, int, 3) > 0
    d.close()
    with pytest.raises(ValueError, match='closed'): d.launch(int)

def test_a_model_whose_output_may_not_be_there_yet_gets_no_number():
    "The clock that stops too soon, as a user of `as_model` would have it."
    d = Device()
    w = Watched(as_model('queued', lambda x: d.launch(np.sum, x), (3,)), np.ones((1, 3), np.float32))
    w.run()
    with pytest.raises(ModelError, match='may not be computed yet'): w.check()
    d.close()

def test_an_engine_without_an_adapter_is_a_function_that_waits():
    "As README has it."
    class Engine:
        def __init__(self): self.device, self.out = Device(), None
        def enqueue(self, x): self.device.launch(lambda: setattr(self, 'out', 2*x))
        def wait(self):
            self.device.sync()
            return self.out
    engine = Engine()
    def run(x):
        engine.enqueue(x)
        return engine.wait()
    w = Watched(as_model('theirs', run, (3,), read=np.array), np.ones((2, 3), np.float32))
    w.run()
    assert relative_error(np.full((2, 3), 2.), w.check()) == 0
    engine.device.close()

def test_a_table_of_layers_has_dots_for_what_is_in_another_row():
    t = LayerTable({'a': 9, 'b': 0}, dict(one=dict(a=np.ones(8), b=np.ones(8)), two={'a': np.ones(8), '(Reorder)': np.ones(8)}),
                   dict(one=4*np.ones(8), two=2*np.ones(8)), ('a word.',))
    rows = {row[0]: row for row in t.table().rows}
    assert t.rows == ['a', 'b', '(Reorder)'] and rows['b'][3] == '·' == rows['(Reorder)'][2]
    assert rows['sum/call'][2].startswith('50%') and rows['sum/call'][3].startswith('100%') and 'a word.' in repr(t)
