"nbgrader's settings: run nbgrader from this folder, with the `course` extra installed."
import os, tomllib
from pathlib import Path
from tinybench.course.teacher.results import FEEDBACK_STEPS
from tinybench.course.stub import RELEASE_STEPS
from tinybench.course.units import with_driver

here = Path(__file__).resolve().parent
course = tomllib.loads((here/'course.toml').read_text(encoding='utf-8'))

c = get_config()  # noqa: F821 - nbgrader defines it
c.CourseDirectory.course_id = course['id']
c.CourseDirectory.root = str(here)
c.CourseDirectory.db_url = with_driver(os.environ.get('TINYBENCH_GRADEBOOK') or f'sqlite:///{here/"gradebook.db"}')
# function bodies become stubs, hidden checks leave no cell
c.GenerateAssignment.preprocessors = list(RELEASE_STEPS)
c.GenerateFeedback.preprocessors = list(FEEDBACK_STEPS)    # hidden checks are described, not shown
c.Execute.timeout = course.get('limits', {}).get('cell_seconds', 30)    # for each cell
# late submissions lose all their points:
# c.LateSubmissionPlugin.penalty_method = 'zero'
# a deleted check is put back, so it still counts; hidden ones always are
c.OverwriteCells.add_missing_cells = True
c.OverwriteCells.missing_cell_notification = 'added for grading\n'    # behind a #, on a line of its own
c.LimitOutput.max_lines = 200
# a warning on stderr costs no points, as with `tinybench course grade`
c.IgnorePattern.enabled, c.IgnorePattern.pattern = True, '(?s).'
