"nbgrader's settings: run nbgrader from this folder, with the `course` extra installed."
import os, tomllib
from pathlib import Path

here = Path(__file__).resolve().parent
course = tomllib.loads((here/'course.toml').read_text())

c = get_config()  # noqa: F821 - nbgrader defines it
c.CourseDirectory.course_id = course['id']
c.CourseDirectory.root = str(here)
c.CourseDirectory.db_url = os.environ.get('TINYBENCH_GRADEBOOK', f'sqlite:///{here/"gradebook.db"}')
c.Execute.timeout = 30                        # seconds for each cell
c.OverwriteCells.add_missing_cells = True     # a deleted check is put back, so it still counts
c.LimitOutput.max_lines = 200
