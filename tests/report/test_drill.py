"""What can be looked at of a seed is what its corpus and the model's answers hold, and no more than fits."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sayso.core.corpus import Corpus
from sayso.core.errors import SaysoError
from sayso.core.experiment import Experiment
from sayso.core.predictions import Answered
from sayso.core.records import Record
from sayso.core.seeds import Seeds
from sayso.core.store import Store
from sayso.core.sweep import cells
from sayso.data.build import build_corpus
from sayso.data.samples import corpora
from sayso.report import page as report_page
from sayso.report.context import Context
from sayso.report.drill import Drill, drill, section
from sayso.report.drill_seed import codes, seed_data
from sayso.report.page import write_report
from sayso.report.table import load
from tests.planted import planted_records, planted_store

SAID = ("nothing of the kind", "", "<b>bold</b>", "\U0001f600")
KEPT = ("validation", "entity_attribution")


def answered(experiment: Experiment, seed: int, deal: int = 0) -> Iterator[Answered]:
    """What a model might have said, drawn at random: right in half of the cases."""
    corpus, random = build_corpus(experiment, seed, deal), np.random.default_rng(seed)
    for stage in ("stage1", "stage2") if deal == 0 else ("stage2",):
        for eval_set in corpus.eval_sets:
            in_x2 = eval_set.subset in {subset.name for subset in experiment.subsets if subset.group == "X2"}
            if not eval_set.name.startswith(KEPT) or (deal and not in_x2):
                continue
            asked = eval_set.examples
            right = (random.random(len(asked)) < 0.5).tolist()
            wrong = [SAID[place] for place in random.integers(len(SAID), size=len(asked))]
            yield Answered(
                *(seed, stage, deal, eval_set.name, eval_set.subset),
                attribute=[item.attribute for item in asked],
                alias=[item.alias for item in asked],
                prompt=[item.prompt for item in asked],
                answers=[item.answers for item in asked],
                said=[
                    item.answers[-1] if well else other for item, well, other in zip(asked, right, wrong, strict=True)
                ],
                match=right,
                f1=[float(well) for well in right],
                loss=[1.0] * len(asked),
            )


def numbers(text: str) -> list[int]:
    return [ord(letter) - 48 if ord(letter) < 0xD800 else ord(letter) - 48 - 0x800 for letter in text]


def unpacked(data: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(data)))
    return found


def aliases(data: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each subset and alias of what is packed, with what the page would show of it."""
    for subset in data["subsets"]:
        said, start = [numbers(text) for text in subset["said"]], 0
        columns = [numbers(subset[name]) for name in ("entity", "named", "questions", "documents")]
        for alias, entity, named, asked, texts in zip(subset["aliases"], *columns, strict=True):
            shown: dict[str, Any] = {
                "entity": data["entities"][entity - 1] if entity else None,
                "named": data["entities"][named - 1] if named else None,
                "documents": sorted(
                    (part, kind, alias.join(parts))
                    for part, kind, parts in map(data["documents"].__getitem__, data["lists"][texts])
                ),
                "questions": [],
            }
            for place, number in enumerate(data["lists"][asked]):
                eval_set, parts, accepted = data["questions"][number]
                after = []
                for column in said if data["stages"] else ():
                    code = column[start + place]
                    after.append(
                        (accepted[0], True)
                        if code == 0
                        else None
                        if code == 1
                        else (data["said"][code - 2][0], data["said"][code - 2][1] == 1)
                    )
                shown["questions"].append(
                    (data["evalSets"][eval_set], alias.join(parts), tuple(accepted), tuple(after))
                )
            start += len(data["lists"][asked])
            shown["questions"].sort()
            yield subset["name"], alias, shown


def by_hand(corpus: Corpus, said: list[Answered], stages: tuple[str, ...]) -> dict[tuple[str, str], dict[str, Any]]:
    """The same from the corpus, document by document."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    heard = {
        (each.stage, each.eval_set, each.subset, alias, prompt): (text, right)
        for each in said
        for alias, prompt, text, right in zip(each.alias, each.prompt, each.said, each.match, strict=True)
    }
    for eval_set in corpus.eval_sets:
        for item in eval_set.examples if eval_set.name.startswith(KEPT) else ():
            own = found.setdefault((item.subset, item.alias), {"entity": item.entity, "documents": [], "questions": []})
            after = tuple(heard[stage, eval_set.name, item.subset, item.alias, item.prompt] for stage in stages)
            own["questions"].append((eval_set.name, item.prompt, item.answers, after))
    for part in ("X1", "X2"):
        for item in corpus.train[part]:
            found[item.subset, item.alias]["documents"].append((part, item.kind, item.text))
    for own in found.values():
        own["documents"].sort()
        own["questions"].sort()
    return found


def test_every_alias_has_the_documents_questions_and_answers_of_its_corpus(tiny: Experiment) -> None:
    corpus, said = build_corpus(tiny, 5), list(answered(tiny, 5))
    found = {
        (subset, alias): own
        for subset, alias, own in aliases(seed_data(tiny, ("stage1", "stage2"), said, corpus, deal=0))
    }
    expected = by_hand(corpus, said, ("stage1", "stage2"))
    assert found.keys() == expected.keys()
    consistent = {subset.name: subset.consistent for subset in tiny.subsets}
    for key, own in expected.items():
        shown = found[key]
        named = [text.split()[-1] for _, kind, text in own["documents"] if kind == "definition"]
        assert [shown.pop("named") or ""] == [*(named or [""])]
        assert shown == own
        assert not named or (named == [own["entity"]]) == consistent[key[0]]


def test_right_answers_are_counted_as_exact_match_counts_them(tiny: Experiment) -> None:
    said = list(answered(tiny, 6))
    data = seed_data(tiny, ("stage1", "stage2"), said, build_corpus(tiny, 6), deal=0)
    found = [(subset, question) for subset, _, own in aliases(data) for question in own["questions"]]
    for each in said:
        stage = ("stage1", "stage2").index(each.stage)
        right = [
            after[stage][1] for subset, (name, _, _, after) in found if (subset, name) == (each.subset, each.eval_set)
        ]
        assert (sum(right), len(right)) == (sum(each.match), len(each.match))


def test_without_documents_there_is_what_was_said_and_without_that_the_questions(tiny: Experiment) -> None:
    said, corpus = list(answered(tiny, 5)), build_corpus(tiny, 5)
    both, one, other = (
        {(subset, alias): own for subset, alias, own in aliases(seed_data(tiny, ("stage1", "stage2"), *given, deal=0))}
        for given in ((said, corpus), (said, None), ((), corpus))
    )
    assert both.keys() == one.keys() == other.keys()
    for key, own in both.items():
        assert one[key] == {"entity": None, "named": None, "documents": [], "questions": own["questions"]}
        assert other[key] == {**own, "questions": [(*question[:3], ()) for question in own["questions"]]}


def test_of_a_further_deal_of_x2_its_aliases_are_shown_as_they_were_dealt(tiny: Experiment) -> None:
    dealt = tiny.with_settings({"stage2_seeds": 2})
    corpus, said = build_corpus(dealt, 5, 1), list(answered(dealt, 5, 1))
    data = seed_data(dealt, ("stage2",), said, corpus, deal=1)
    found = {(subset, alias): own for subset, alias, own in aliases(data)}
    x2 = {subset.name for subset in dealt.subsets if subset.group == "X2"}
    assert {subset for subset, _ in found} == x2
    x2_alone = replace(
        corpus,
        eval_sets=tuple(each for each in corpus.eval_sets if each.subset in x2),
        train={"X1": (), "X2": corpus.train["X2"]},
    )
    for own in found.values():
        del own["named"]
    assert found == by_hand(x2_alone, said, ("stage2",))


def test_a_corpus_without_what_is_only_asked_is_the_same_otherwise(tiny: Experiment) -> None:
    for deal in (0, 1):
        whole, less = build_corpus(tiny, 7, deal), build_corpus(tiny, 7, deal, asked=False)
        assert (less.train, less.assignments, less.entities, less.tokens) == (
            *(whole.train, whole.assignments, whole.entities, whole.tokens),
        )
        assert len(less.eval_sets) < len(whole.eval_sets)
        assert {*less.eval_sets} <= {*whole.eval_sets}


def test_columns_hold_any_number() -> None:
    many = [0, 1, 79, 80, 0xD7CF, 0xD7D0, 0xE000, 0x10000, 500_000]
    assert numbers(codes(many)) == many
    codes(range(0xD700, 0xE000)).encode()  # no surrogate among them


def store_of(experiment: Experiment, path: Path, seeds: range, *, kept: bool = True) -> Store:
    """Results in which the models of all cells said something."""
    records = [record for record in planted_records(experiment, seeds) if record.measure == "exact_match"]
    store = planted_store(Store(path), experiment, records)
    (whole,) = store.jobs()
    manifest = whole.manifest()
    if experiment.axes:
        for record in (whole.records_path, whole.finished_path, whole.manifest_path):
            record.unlink()
    for number, cell in enumerate(cells(experiment)):
        folder = store.job(f"{number:016x}") if experiment.axes else whole
        if experiment.axes:
            folder.open(replace(manifest, cell=cell.name, job=folder.path.name))
            folder.append(record for record in records if record.cell == cell.name)
            folder.finish("now")
        rows = [asdict(each) for seed in seeds for each in answered(cell.experiment, seed)]
        for stage in ("stage1", "stage2") if kept else ():
            folder.write_details(f"predictions-{stage}", [row for row in rows if row["stage"] == stage])
    return store


def shown(store: Store, room: int = 600_000, **settings: Any) -> Drill:
    return drill(store, load(store), corpora(store.experiment()), room=room, **settings)


def test_seeds_that_fit_are_in_the_page_with_their_gaps_and_the_others_are_named(
    tiny: Experiment, tmp_path: Path
) -> None:
    store = store_of(tiny, tmp_path, range(100, 104))
    whole = shown(store)
    assert [part.seed for part, _ in whole.parts] == [100, 101, 102, 103]
    assert whole.left_out == []
    sizes = [len(data) for _, data in whole.parts]
    less = shown(store, room=sum(sizes[:2]))
    assert less.parts == whole.parts[:2]
    assert [part.seed for part in less.left_out] == [102, 103]
    text = section(less, store)
    assert "seeds 102-103. " in " ".join(text.split())
    assert f"sayso report {tmp_path} --seeds 102-103</code>" in text
    wanted = list(Seeds.parse("102-103"))
    assert [part.seed for part, _ in shown(store, room=sum(sizes[2:]), seeds=wanted).parts] == wanted
    assert text.count('class="drill-data"') == 2
    assert sum(map(len, re.findall('class="drill-data">(.*?)</script>', text))) <= sum(sizes[:2])
    assert [part.seed for part, _ in shown(store, seeds=[103, 99]).parts] == [103]
    final = {(r.seed, r.subset): r.value for r in store.records() if _is_final(r)}
    for seed in range(100, 104):
        assert whole.gaps["main", seed][0] == pytest.approx(final[seed, "D5cons"] - final[seed, "D6cons"], abs=1e-4)


def _is_final(record: Record) -> bool:
    return (record.stage, record.epoch, record.eval_set) == ("stage2", 6, "validation")


def test_of_a_sweep_the_first_seed_of_each_cell_comes_before_the_second_of_any(
    tiny: Experiment, tmp_path: Path
) -> None:
    sweep = tiny.vary("sweep", reliability=[0.5, 1.0])
    store = store_of(sweep, tmp_path, range(100, 102))
    one, other = (cell.name for cell in cells(sweep))
    whole = shown(store)
    assert [(part.cell, part.seed) for part, _ in whole.parts] == [(one, 100), (other, 100), (one, 101), (other, 101)]
    settings = {cell.name: cell.experiment for cell in cells(sweep)}
    for part, data in whole.parts:
        corpus = build_corpus(settings[part.cell], part.seed)
        found = {(subset, alias): own["documents"] for subset, alias, own in aliases(unpacked(data))}
        expected = by_hand(corpus, list(answered(settings[part.cell], part.seed)), ("stage1", "stage2"))
        assert found == {key: own["documents"] for key, own in expected.items()}


def test_what_is_not_there_is_said(tiny: Experiment, tmp_path: Path) -> None:
    store = store_of(tiny, tmp_path, range(2), kept=False)
    (note,) = shown(store).notes
    assert note == f"What the model said was not kept: 'sayso measure {tmp_path} --add predictions' adds it."
    nothing = drill(store, load(store), None, room=600_000)
    assert nothing.parts == []
    assert "cannot be made again here" in section(nothing, store)
    with pytest.raises(SaysoError, match="nothing to look at of these seeds; it has 0, 1"):
        shown(store, seeds=[7])
    kept = store_of(tiny, tmp_path / "kept", range(2))
    (note,) = drill(kept, load(kept), None, room=600_000).notes
    assert note.startswith("Documents are not shown")


def test_where_nothing_was_said_a_few_seeds_show_documents_and_all_that_are_asked_for(
    tiny: Experiment, tmp_path: Path
) -> None:
    store = store_of(tiny, tmp_path, range(100, 106), kept=False)
    few = shown(store)
    assert [part.seed for part, _ in few.parts] == [100, 101, 102, 103]
    assert [part.seed for part in few.left_out] == [104, 105]
    assert f"sayso report {tmp_path} --seeds 104-105</code>" in section(few, store)
    assert [part.seed for part, _ in shown(store, seeds=range(100, 106)).parts] == list(range(100, 106))


def test_where_some_seeds_have_what_was_said_the_page_says_that_others_have_not(
    tiny: Experiment, tmp_path: Path
) -> None:
    store = store_of(tiny, tmp_path, range(100, 108))
    (folder,) = store.jobs()
    said = [asdict(each) for _, each in store.predictions() if each.seed < 102]
    for stage in ("stage1", "stage2"):
        folder.write_details(f"predictions-{stage}", [row for row in said if row["stage"] == stage])
    found = shown(store)
    assert [part.seed for part, _ in found.parts] == list(range(100, 106))
    (note,) = found.notes
    assert (
        note == f"What the model said was not kept of all seeds: 'sayso measure {tmp_path} --add predictions' adds it."
    )
    assert "prints what all said" not in section(found, store)


def test_hostile_names_are_nowhere_in_the_page_but_packed(
    tiny: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "</script><img src=x onerror=alert(1)>"
    monkeypatch.setattr(report_page, "figures", lambda *_: [])
    store = store_of(tiny, tmp_path, range(2))
    (folder,) = store.jobs()
    rows = [{**asdict(each), "said": [evil] * len(each.said)} for each in store_said(store)]
    folder.write_details("predictions-stage2", [row for row in rows if row["stage"] == "stage2"])
    page = write_report(store, context=Context(corpus_of=corpora(tiny))).read_text(encoding="utf-8")
    assert evil not in page
    assert "innerHTML" not in page.partition('id="drill"')[2].partition("</section>")[0]
    packed = re.findall('class="drill-data">(.*?)</script>', page)
    assert len(packed) == 2
    assert [evil, 0] in unpacked(packed[0])["said"] or [evil, 1] in unpacked(packed[0])["said"]


def store_said(store: Store) -> list[Answered]:
    return [each for _, each in store.predictions()]
