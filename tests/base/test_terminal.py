"base.terminal: what a command says on stderr, and the status it ends with."
import io, sys
import pytest
from tinybench.base.terminal import bar, echo, give_up, say, stoppable, told, write_anything


def ended(*errors, raises):
    "The status of a command that raises, for which `errors` are expected."
    with pytest.raises(SystemExit) as e, stoppable('all is kept'), told(*errors): raise raises
    return e.value.code

def test_an_expected_error_is_a_line_and_status_1(capsys):
    assert ended(ValueError, OSError, raises=ValueError('no such thing')) == 1
    assert ended(OSError, raises=FileNotFoundError(2, 'No such file', 'a.toml')) == 1
    out, err = capsys.readouterr()
    assert out == '' and err == 'tinybench: no such thing\ntinybench: No such file: a.toml\n'

def test_ctrl_c_is_130(capsys):
    assert ended(ValueError, raises=KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == '\ntinybench: stopped; all is kept\n'

@pytest.mark.parametrize('e', [TypeError('a bug'), BrokenPipeError(32, 'Broken pipe')])
def test_other_errors_stay(e):
    with pytest.raises(type(e)), stoppable('all'), told(ValueError, OSError): raise e

def test_giving_up_is_no_error_that_is_told(capsys):
    with pytest.raises(SystemExit) as e, told(Exception): give_up('enough', 3)
    assert e.value.code == 3 and capsys.readouterr().err == 'tinybench: enough\n'

def test_a_bar_is_for_terminals_only(capsys):
    with bar('counting') as tell:
        for i in range(3): tell(i, 3, 'text')
    say('done')
    assert capsys.readouterr() == ('', 'done\n')

CODE_PAGES = 'gbk', 'cp932', 'cp949', 'cp950', 'cp866', 'cp1252', 'ascii', 'utf-8'

@pytest.mark.parametrize('page', CODE_PAGES)
def test_a_character_that_the_code_page_lacks_costs_no_result(monkeypatch, page):
    for name in ('stdout', 'stderr'): monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), page, newline='\n'))
    write_anything()
    text = '3.4 µs × 2 → ≥ ½ é … \N{SNOWMAN} \udc80'
    echo(text)
    say(text)
    found = sys.stdout.buffer.getvalue().decode(page)
    assert found == sys.stderr.buffer.getvalue().decode(page)
    assert found.startswith('3.4 ') and 's ' in found[:8] and found.endswith(' ?\n')
    if page == 'ascii': assert found == '3.4 us x 2 -> >= 1/2 e ... ? ?\n'
    if page == 'utf-8': assert found == text[:-1] + '?\n'

def test_streams_of_a_notebook_are_left_alone(capsys):
    write_anything()
    echo('µs')
    assert capsys.readouterr().out == 'µs\n'
