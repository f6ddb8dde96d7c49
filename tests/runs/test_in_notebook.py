"""A run in a notebook is seen below its cell, and nowhere else."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sayso.core.experiment import Experiment
from sayso.core.sweep import Job, cells
from sayso.runs.in_notebook import Lines, Picture, area
from tests.cli.test_progress import Clock, epoch, measuring, step

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.py"


@pytest.fixture
def jobs(tiny: Experiment) -> list[Job]:
    (cell,) = cells(tiny)
    return [Job(cell, (100, 101)), Job(cell, (102, 103))]


def test_a_picture_has_what_runs_and_how_far_it_has_come(jobs, tmp_path):
    shown: list[str] = []
    clock = Clock()
    watched = Picture(shown.append, tmp_path / "a<b", clock)
    watched.on_plan(jobs, [])
    assert "a&lt;b" in shown[-1]
    assert "to run: seeds 100-103" in shown[-1]
    assert "0 of 22 epochs" in shown[-1]
    clock.now = 10.0
    watched.on_event(jobs[0].id, {"event": "building"})
    clock.now = 20.0
    watched.on_event(jobs[0].id, epoch("stage1", 1, 4, 2, D1cons_QA1=0.5))
    assert "<td>100-101</td><td>stage1 1/4</td>" in shown[-1]
    assert "<td>1.500</td><td>D1cons_QA1&nbsp;0.50</td>" in shown[-1]
    assert "2 of 22 epochs, about" in shown[-1]
    watched.on_event(
        jobs[0].id, {"event": "finished", "training": {"tokens": 9, "seconds": 2.0, "tokens_a_second": 4.5}}
    )
    assert "seeds 100-101: trained on 9 tokens in 2 s" in shown[-1]
    assert "<td>" not in shown[-1]
    assert "11 of 22 epochs" in shown[-1]


def test_it_is_drawn_twice_a_second_at_most_and_warns_once(jobs, tmp_path):
    shown: list[str] = []
    clock = Clock()
    watched = Picture(shown.append, tmp_path, clock)
    watched.on_plan(jobs, [])
    for at in range(1, 81):
        clock.now = at / 20
        watched.on_event(jobs[0].id, step("stage1", 1, 4, at, 80, 1.0, 100))
    assert 5 <= len(shown) <= 9
    for job in jobs:
        watched.on_event(job.id, {"event": "warning", "message": "slow <disk>"})
        watched.on_event(job.id, {"event": "warning", "message": "slow <disk>"})
    assert shown[-1].count("slow &lt;disk&gt;") == 2  # of each job's seeds once
    assert "seeds 102-103: slow" in shown[-1]


def test_measuring_is_a_line_a_job(jobs, tmp_path):
    shown: list[str] = []
    watched = Lines(shown.append, tmp_path)
    watched.on_plan(jobs[:1], jobs[1:])
    watched.on_event(jobs[0].id, {"event": "building"})
    watched.on_event(jobs[0].id, measuring("stage1", 3, 4, 0.5))
    assert "measured before: seeds 102-103" in shown[-1]
    assert "seeds 100-101: measuring exact_match 50% after epoch 3 of stage1" in shown[-1]
    watched.on_event(jobs[0].id, {"event": "finished"})
    assert shown[-1].count("100-101") == 1
    assert "seeds 100-101: measured" in shown[-1]


def test_there_is_no_area_in_a_script_or_in_a_terminal(monkeypatch):
    assert area() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert area() is None
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=None)))
    monkeypatch.setitem(sys.modules, "marimo", SimpleNamespace(running_in_notebook=lambda: False))
    assert area() is None


def test_a_notebook_of_jupyter_shows_the_last_picture_alone(tmp_path):
    pytest.importorskip("ipykernel")
    pytest.importorskip("nbclient")
    code = "from sayso.runs.in_notebook import area\nshow = area()\nshow('<p>first</p>')\nshow('<p>second</p>')"
    script = tmp_path / "run.py"
    script.write_text(
        "import json, nbformat, nbclient, sys\n"
        f"book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell({code!r})])\n"
        "nbclient.NotebookClient(book, kernel_name='python3', timeout=300).execute()\n"
        "print(json.dumps([output['data'] for output in book.cells[0].outputs if 'data' in output]))\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["text/html"] == "<p>second</p>"


def test_the_notebook_of_the_guide_shows_documents_before_it_trains(tmp_path):
    """Which also holds its cells together: no name is made twice, and none waits for itself."""
    pytest.importorskip("marimo")
    script = tmp_path / "run.py"
    script.write_text(
        "import runpy\n"
        f"output, found = runpy.run_path({str(NOTEBOOK)!r})['documents'].run()\n"
        "print(sorted({row['subset'] for row in found['shown']}), output is not None)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['D5cons', 'D6cons'] True\n"


@pytest.mark.slow
def test_the_notebook_of_the_guide_runs_from_top_to_bottom(tmp_path):
    pytest.importorskip("marimo")
    script = tmp_path / "run.py"
    script.write_text(
        "import runpy\n"
        f"app = runpy.run_path({str(NOTEBOOK)!r})['app']\n"
        "if __name__ == '__main__':\n"
        "    short = {f'stages.stage{number}.epochs': 1 for number in range(3)}\n"
        "    outputs, found = app.run(defs={'seeds': '100-100', 'changes': short, 'out': 'tiny'})\n"
        "    print(found['alignment'].shape, sorted(found['answers']['stage'].unique()))\n"
        "    print(sum(output is not None for output in outputs), found['results']._repr_html_()[:40])\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "(2, 2) ['stage1', 'stage2']"
    assert second == "10 <p>tiny: exact match, mean and 95% inter"
