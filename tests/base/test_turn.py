"base.turn: measurements never overlap, and whatever is drawn is drawn when nothing is measured."
import threading, time
import pytest
from tinybench.base.turn import OneAtATime


def test_measurements_never_overlap_and_every_drawing_is_done_when_nothing_is_measured():
    turn, inside, together, drawn = OneAtATime(), [], [], []
    def measure():
        for _ in range(20):
            with turn.measuring():
                inside.append(1)
                together.append(len(inside))
                time.sleep(.001)
                inside.pop()
    draws = [lambda i=i: drawn.append((i, len(inside))) for i in range(200)]
    threads = [threading.Thread(target=measure) for _ in range(3)]
    for t in threads: t.start()
    for f in draws: turn.when_quiet(f)
    for t in threads: t.join()
    assert set(together) == {1}
    assert sorted(i for i, _ in drawn) == list(range(200)), 'none is lost, none is drawn twice'
    assert not any(n for _, n in drawn), 'something was drawn beside a measurement'

def test_of_many_moves_during_a_measurement_one_is_drawn():
    turn, drawn = OneAtATime(), []
    def f(): drawn.append(1)
    with turn.measuring(): assert not any(turn.when_quiet(f) for _ in range(9))
    assert drawn == [1] and turn.when_quiet(f) and drawn == [1, 1]

def test_a_late_drawing_that_fails_leaves_the_others_for_the_next_time():
    turn, drawn = OneAtATime(), []
    with pytest.raises(ZeroDivisionError):
        with turn.measuring():
            turn.when_quiet(lambda: 1/0)
            turn.when_quiet(drawn.append, 'later')
    assert not drawn and not turn.lock.locked()
    with turn.measuring(): pass
    assert drawn == ['later']
