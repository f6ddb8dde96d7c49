import pandas as pd
import pytest

from sayso.core.errors import SaysoError
from sayso.core.ledger import CONTRIBUTION_COLUMNS, Contribution
from sayso.core.store import Store
from sayso.report.ledger import SHOWN, ledger_frame, mean_contributions, stage_ledgers
from tests.core.written import make_store, manifest


def one(seed: int, subset: str, share: float, stage2_seed: int = 0, stage: str = "stage2") -> Contribution:
    return Contribution(seed, stage, stage2_seed, "X2", subset, "definition", 12, 48, 36, share, 0.5)


def frame(*contributions: Contribution) -> pd.DataFrame:
    rows = [("main", *(getattr(each, name) for name in CONTRIBUTION_COLUMNS)) for each in contributions]
    return pd.DataFrame(rows, columns=["cell", *CONTRIBUTION_COLUMNS])


def test_stage_2_seeds_are_averaged_within_seeds_before_seeds_are():
    table = frame(one(1, "D5cons", 0.1), one(1, "D5cons", 0.3, 1), one(2, "D5cons", 0.6))
    (row,) = mean_contributions(table).to_dict("records")
    assert row["share"] == pytest.approx((0.2 + 0.6) / 2)
    assert (row["seeds"], row["documents"], row["place"]) == (2, 12, 0.5)


def test_there_is_a_table_a_stage_with_subsets_in_the_order_of_table_1():
    told = Contribution(1, "stage0", 0, "world", "told", "question", 1500, 9000, 9000, 1.0, 0.5)
    shown = list(stage_ledgers(frame(told, one(1, "D6cons", 0.4), one(1, "D5cons", 0.6))))
    assert [(each.title, [row[0] for row in each.rows]) for each in shown] == [
        ("stage0", ["world: told"]),
        ("stage2", ["D5cons", "D6cons"]),
    ]
    assert shown[0].rows == [("world: told", "question", "1,500", "9,000", "1.0000", "0.500")]
    assert all(len(row) == len(SHOWN) for each in shown for row in each.rows)


def test_a_seed_run_in_two_jobs_counts_once(tiny, tmp_path):
    store = Store(tmp_path)
    make_store(store, tiny)
    for number, seeds in enumerate([(1, 2), (2, 3)]):
        folder = store.job(f"job-{number}")
        folder.open(manifest(folder.path.name, seeds))
        folder.add_to_ledger([one(seed, "D5cons", 0.5) for seed in seeds])
        folder.finish("now")
    assert list(ledger_frame(store)["seed"]) == [1, 2, 3]


def test_a_folder_in_which_nothing_has_finished_is_an_error(tiny, tmp_path):
    make_store(Store(tmp_path), tiny)
    with pytest.raises(SaysoError, match="no finished job yet"):
        ledger_frame(Store(tmp_path))
