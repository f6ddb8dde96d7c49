"""The one table: every experiment by name, with what of the paper it stands for. ``sayso list`` prints it.

Settings were chosen on seeds below 100. The default seeds, from 100 on, were run only after that.
"""

from __future__ import annotations

from sayso.paper.beyond_rows import BEYOND_ROWS
from sayso.paper.laptop import LAPTOP_ROWS
from sayso.paper.mechanism_rows import MECHANISM_ROWS
from sayso.paper.model_rows import MODEL_ROWS
from sayso.paper.paper_rows import PAPER_ROWS
from sayso.paper.pocket_rows import POCKET_ROWS
from sayso.paper.rows import table_of
from sayso.paper.wordless_rows import DIGIT_ROWS, SET_INCLUSION_ROWS

#: All rows, by the name of their experiment.
TABLE = table_of(
    (
        *(*POCKET_ROWS, *PAPER_ROWS),
        *(*MODEL_ROWS, *MECHANISM_ROWS),
        *(*SET_INCLUSION_ROWS, *DIGIT_ROWS),
        *BEYOND_ROWS,
        *LAPTOP_ROWS,
    )
)

EXPERIMENTS = {name: row.experiment for name, row in TABLE.items()}
