from dataclasses import replace

import pytest

from sayso.core.errors import SaysoError
from sayso.core.job_folder import JobFolder
from sayso.core.ledger import Contribution, from_lines, to_lines
from sayso.core.store import Store
from tests.core.written import make_store, manifest

ONE = Contribution(1, "stage1", 0, "X1", "QA3", "question", 10, 61, 51, 0.125, 0.5)
OTHERS = [replace(ONE, seed=2, subset="Zoë"), replace(ONE, seed=2, kind="definition", share=1.0)]


def test_lines_give_back_what_was_written():
    assert from_lines(to_lines([ONE, *OTHERS])) == [ONE, *OTHERS]


@pytest.mark.parametrize(
    "line", ["", "[1, 2]", '{"seed": 1}', to_lines([ONE])[:20], to_lines([ONE]).replace("10", '"10"')]
)
def test_a_line_that_is_no_contribution_is_refused(line):
    with pytest.raises(ValueError, match=r"."):
        from_lines(to_lines([ONE]) + line + "\n")


def test_a_leg_that_is_trained_again_takes_the_place_of_what_was_there(tmp_path):
    folder = JobFolder(tmp_path)
    folder.add_to_ledger([ONE, *OTHERS])
    folder.add_to_ledger([replace(ONE, stage="stage2")])
    again = folder.ledger_path.read_bytes()
    folder.add_to_ledger([replace(ONE, stage="stage2")])
    assert folder.ledger_path.read_bytes() == again
    folder.add_to_ledger([replace(ONE, stage="stage2", stage2_seed=1)])
    assert [(each.stage, each.stage2_seed) for each in folder.ledger()] == [
        *[("stage1", 0)] * 3,
        ("stage2", 0),
        ("stage2", 1),
    ]


def test_a_damaged_ledger_is_named(tmp_path):
    folder = JobFolder(tmp_path)
    folder.add_to_ledger([ONE, *OTHERS])
    folder.ledger_path.write_bytes(folder.ledger_path.read_bytes()[:-9])
    with pytest.raises(SaysoError, match=r"ledger.jsonl: cannot be read"):
        folder.ledger()


def test_a_store_gives_the_ledgers_of_its_finished_jobs_by_cell_and_seed(tiny, tmp_path):
    store = Store(tmp_path / "results")
    make_store(store, tiny.with_axes({"train.batch_size": [32, 64]}))
    cells = ["train.batch_size=64", "train.batch_size=32"]
    for number, (cell, finished) in enumerate([(cells[0], True), (cells[1], True), (cells[1], False)]):
        folder = store.job(f"job-{number}")
        folder.open(manifest(folder.path.name, cell=cell))
        folder.add_to_ledger([OTHERS[0], ONE])
        if finished:
            folder.finish("now")
    assert store.ledger() == [(cell, each) for cell in (cells[1], cells[0]) for each in (ONE, OTHERS[0])]
    (store.job("job-0").path / "ledger.jsonl").unlink()  # as versions of before left it
    assert {cell for cell, _ in store.ledger()} == {cells[1]}
