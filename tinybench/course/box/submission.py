"Runs a submission's notebooks in turn, each in a warm process, with the process of the checks beside"
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from ..cells import CourseError, nbformat
from .oracle import Oracle
from .start import HOME, Limits, library_sum, roomy, warm_for
from .worker import play_in


def oracle_for(warm, plan, files=None):
    "The process of the checks that belongs to `warm`, with `files` beside; made once, it ends with it."
    warm.start()
    if not warm.oracle or (warm.oracle.plan, warm.oracle.files) != (plan, files):
        warm.oracle = warm.made.enter_context(closing(Oracle(warm, plan, files)))
    return warm.oracle

def run_work(work) -> dict:
    "Run a submission's notebooks in turn within its time; outcomes by notebook."
    library, package = work['library'] if Path(work['library']).is_dir() else str(HOME), work['package']
    if library_sum(library, package) != work['sum']:
        raise CourseError(f'The {package} in {library} is not the one that hands out the work. Install the '
                          'same on every worker.')
    limits, found = Limits(**work['limits']), {}
    until = time.monotonic() + limits.submission_seconds
    for name, cells in work['cells'].items():
        lesson, cells = work['lessons'][name], [nbformat.from_dict(c) for c in cells]
        warm = warm_for(library, tuple(lesson['blocked']), tuple(lesson['imports']), roomy(limits, cells),
                        work['sandbox'], tuple(work['secrets']), work['sum'], package)
        start = time.monotonic()
        oracle = oracle_for(warm, lesson['plan'], work['files'] | work['private'])
        until += time.monotonic() - start    # the first of a class does not pay for the lesson
        played = play_in(warm, cells, max(1, until - time.monotonic()), None, oracle, work['files'],
                         work['private'], lesson['shared'])
        found[name] = [asdict(o) for o in played]
    return found
