"""The one table of experiments: everything that ``sayso list`` lists, by name.

Settings were chosen on seeds below 100. The default seeds, from 100 on, were run only after that.
"""

from __future__ import annotations

from sayso.paper.laptop import LAPTOP
from sayso.paper.paper_rows import PAPER_ROWS
from sayso.paper.paper_settings import PAPER_DIGITS, PAPER_MAIN, PAPER_SET_INCLUSION
from sayso.paper.pocket_rows import POCKET_ROWS
from sayso.paper.pocket_settings import POCKET, POCKET_DIGITS, POCKET_SET_INCLUSION
from sayso.paper.rows import table_of
from sayso.paper.wordless_rows import DIGIT_ROWS, SET_INCLUSION_ROWS

EXPERIMENTS = table_of(
    (
        *(POCKET, *POCKET_ROWS),
        *(PAPER_SET_INCLUSION, POCKET_SET_INCLUSION, *SET_INCLUSION_ROWS),
        *(POCKET_DIGITS, *DIGIT_ROWS, PAPER_DIGITS),
        LAPTOP,
        *(PAPER_MAIN, *PAPER_ROWS),
    )
)
