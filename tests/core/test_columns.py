from dataclasses import astuple, replace

from sayso.core.columns import Columns
from sayso.core.records import COLUMNS, Record
from sayso.core.store import Store
from sayso.core.sweep import Job, cells
from tests.core.test_store import add_job
from tests.core.written import make_store, record


def records_in(columns: Columns) -> list[Record]:
    """Records of columns, put together one by one."""
    found = {}
    for name in COLUMNS:
        if name in ("seed", "epoch", "value", "n", "stage2_seed"):
            found[name] = columns.numbers(name).tolist()
        else:
            codes, texts = columns.texts(name)
            found[name] = [texts[code] for code in codes]
    return [Record(**dict(zip(found, values, strict=True))) for values in zip(*found.values(), strict=True)]


def test_columns_hold_what_was_added():
    given = [
        record(1),
        replace(record(2, 3, 0.25, subset="é"), what="layer 3", stage2_seed=4),
        record(-7, value=1e-300),
    ]
    columns = Columns()
    columns.extend(list(zip(*map(astuple, given[:2]), strict=True)))
    columns.extend([()] * len(COLUMNS))
    columns.extend(list(zip(astuple(given[2]), strict=True)))
    assert records_in(columns) == given
    assert len(columns) == 3


def test_a_whole_number_written_with_a_point_is_one():
    values = list(astuple(record()))
    values[COLUMNS.index("n")] = 10.0
    columns = Columns()
    columns.extend([(value,) for value in values])
    assert records_in(columns) == [record()]


def test_columns_of_a_folder_are_its_records_in_their_order(tiny, tmp_path):
    store = Store(tmp_path)
    sweep = tiny.vary("sweep", train__batch_size=[64, 256, 16])
    make_store(store, sweep)
    assert len(store.columns()) == len(store.records()) == 0
    for cell in cells(sweep):
        for seeds in ((10, 3), (2, 11)):
            own = [
                record(seed, epoch, seed / 7, cell.name, subset)
                for epoch in (0, 1)
                for seed in seeds
                for subset in "ba"
            ]
            folder = add_job(store, Job(cell, seeds), own)
            folder.add_measured("f1", [replace(own[0], measure="f1", what="w")], {})
    assert records_in(store.columns()) == store.records()
    assert len(store.columns()) == 3 * (2 * 8 + 2)
