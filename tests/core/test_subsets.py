import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sayso.core.subsets import (
    NEW,
    RELIABLE,
    SOURCES,
    TABLE_1,
    UNRELIABLE,
    Source,
    Subset,
    from_sources,
    with_counts,
    with_fractions,
    with_reliability,
)


def total(subsets: tuple[Subset, ...]) -> float:
    return math.fsum(subset.fraction for subset in subsets)


def test_table_1_is_the_papers():
    # name: (source, definition consistent with the questions, questions trained, group)
    rows = {s.name: (s.source, s.consistent, s.has_qa, s.aliased, s.group, s.fraction) for s in TABLE_1}
    assert rows == {
        "D1cons_QA1": (RELIABLE, True, True, True, "X1", 0.25),
        "D2incons_QA2": (UNRELIABLE, False, True, True, "X1", 0.25),
        "QA3": (None, True, True, True, "X1", 0.10),
        "QA4": (None, True, True, False, "X1", 0.10),
        "D5cons": (RELIABLE, True, False, True, "X2", 0.08),
        "D6cons": (UNRELIABLE, True, False, True, "X2", 0.08),
        "QA7": (None, True, False, True, "X2", 0.06),
        "D8cons": (NEW, True, False, True, "X2", 0.08),
    }
    assert total(TABLE_1) == pytest.approx(1)
    assert {source.name for source in SOURCES} == {RELIABLE, UNRELIABLE, NEW}


def test_what_has_no_alias_cannot_be_defined():
    with pytest.raises(ValidationError, match="cannot be defined"):
        Subset(name="x", group="X1", source=RELIABLE, aliased=False, fraction=0.1)


def test_fractions_are_replaced_by_name():
    changed = with_fractions(TABLE_1, D5cons=0.1, QA7=0.04)
    assert total(changed) == pytest.approx(1)
    assert {s.name: s.fraction for s in changed if s not in TABLE_1} == {"D5cons": 0.1, "QA7": 0.04}
    with pytest.raises(ValueError, match="no subset 'D5con'; did you mean 'D5cons'"):
        with_fractions(TABLE_1, D5con=0.1)


@given(st.floats(0.5, 0.999))
def test_reliability_moves_aliases_between_consistent_and_inconsistent_ones_of_the_same_source(alpha):
    changed = with_reliability(TABLE_1, alpha)
    by_name = {subset.name: subset for subset in changed}
    assert total(changed) == pytest.approx(1)
    for source, consistent, inconsistent in (
        (RELIABLE, "D1cons_QA1", "D9incons_QA9"),
        (UNRELIABLE, "D10cons_QA10", "D2incons_QA2"),
    ):
        assert {by_name[consistent].source, by_name[inconsistent].source} == {source}
        assert by_name[consistent].consistent
        assert not by_name[inconsistent].consistent
        assert by_name[consistent].fraction + by_name[inconsistent].fraction == pytest.approx(0.25)
        assert by_name[consistent].has_qa
        assert by_name[inconsistent].has_qa
    assert by_name["D1cons_QA1"].fraction == pytest.approx(0.25 * alpha)
    assert by_name["D2incons_QA2"].fraction == pytest.approx(0.25 * alpha)
    assert [s for s in changed if s.group == "X2"] == [s for s in TABLE_1 if s.group == "X2"]


def test_full_reliability_is_table_1():
    assert with_reliability(TABLE_1, 1) == TABLE_1


@pytest.mark.parametrize("alpha", [0.49, 1.01, -1])
def test_reliability_is_between_a_half_and_one(alpha):
    with pytest.raises(ValueError, match=r"between 0\.5 and 1"):
        with_reliability(TABLE_1, alpha)


def test_counts_become_fractions_that_give_them_back():
    counts = {subset.name: number for number, subset in enumerate(TABLE_1, start=1)}
    subsets = with_counts(TABLE_1, **counts)
    assert [round(subset.fraction * sum(counts.values())) for subset in subsets] == list(counts.values())
    with pytest.raises(ValueError, match="no count for subset 'D8cons'"):
        with_counts(TABLE_1, **{name: count for name, count in counts.items() if name != "D8cons"})
    with pytest.raises(ValueError, match="no subset 'QA5'"):
        with_counts(TABLE_1, **counts, QA5=1)


@given(st.lists(st.sampled_from([0.5, 0.6, 0.75, 0.9, 0.95, 1.0]), min_size=1, max_size=4))
def test_reliability_can_be_changed_again_and_settles_to_the_last_bit(alphas):
    changed: tuple[Subset, ...] = TABLE_1
    for alpha in alphas:
        changed = with_reliability(changed, alpha)
        assert with_reliability(changed, alpha) == changed
    for one, other in zip(changed, with_reliability(TABLE_1, alphas[-1]), strict=True):
        assert one.fraction == pytest.approx(other.fraction)
        assert one.model_copy(update={"fraction": 0}) == other.model_copy(update={"fraction": 0})


def test_reliability_needs_the_subsets_it_splits():
    with pytest.raises(ValueError, match="reliability needs the subset D2incons_QA2"):
        with_reliability(TABLE_1[:1], 0.75)


def test_a_source_has_a_random_tag_a_text_or_one_of_a_list():
    assert Source(name="x").texts == ()
    assert Source(name="x", text="According to my uncle,").texts == ("According to my uncle,",)
    several = Source(name="x", text=("is", "means"))
    assert several.texts == ("is", "means")
    assert Source.model_validate_json(several.model_dump_json()) == several


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ([], "an empty list; give at least one text"),
        (["is", "is"], "'is' is in the list twice"),
        ("According to ", "found 'According to '; write words with one space between them"),
        (["a  b"], "found 'a  b'; write words"),
        ("", "found ''; write words"),
    ],
)
def test_texts_are_words_with_single_spaces(text, message):
    with pytest.raises(ValidationError, match=message):
        Source(name="x", text=text)


# --- subsets that follow from sources


def as_rows(subsets: tuple[Subset, ...]) -> dict[str, tuple[object, ...]]:
    return {s.name: (s.source, s.consistent, s.has_qa, s.group, pytest.approx(s.fraction)) for s in subsets}


def test_table_1_is_what_comes_of_a_source_always_right_one_never_and_one_without_a_record():
    sources = (Source(name=RELIABLE, reliability=1), Source(name=UNRELIABLE, reliability=0), Source(name=NEW))
    found = from_sources(sources, TABLE_1)
    assert sorted(found, key=lambda s: s.name) == sorted(TABLE_1, key=lambda s: s.name)


@pytest.mark.parametrize("alpha", [0.5, 0.75, 0.9])
def test_the_papers_alpha_is_the_reliability_of_one_source_and_the_unreliability_of_the_other(alpha):
    sources = (
        Source(name=RELIABLE, reliability=alpha),
        Source(name=UNRELIABLE, reliability=1 - alpha),
        Source(name=NEW),
    )
    assert as_rows(from_sources(sources, TABLE_1)) == as_rows(with_reliability(TABLE_1, alpha))


RECORDS = st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 10)), min_size=1, max_size=6)


@given(RECORDS, st.integers(0, 2))
def test_sources_are_right_as_often_as_they_are_reliable_and_get_their_shares(records, without):
    sources = [Source(name=f"s{at}", reliability=right, share=share) for at, (right, share) in enumerate(records)]
    sources += [Source(name=f"n{at}") for at in range(without)]
    subsets = from_sources(sources, TABLE_1)
    assert total(subsets) == pytest.approx(1)
    assert [s for s in subsets if s.source is None] == [s for s in TABLE_1 if s.source is None]
    new = [s for s in subsets if s.group == "X2" and s.source is not None]
    assert [s.source for s in new] == [source.name for source in sources]
    assert {s.fraction for s in new} == {new[0].fraction}
    whole = sum(share for _, share in records)
    for source, (right, share) in zip(sources, records, strict=False):
        own = [s for s in subsets if s.group == "X1" and s.source == source.name]
        mine = total(tuple(own))
        assert mine == pytest.approx(0.5 * share / whole)
        assert total(tuple(s for s in own if s.consistent)) == pytest.approx(right * mine)
        assert all(s.fraction > 0 and s.has_qa for s in own)
    assert from_sources(sources, subsets) == subsets  # to the last bit


def test_what_two_sources_say_is_no_subset_of_one_source():
    contested = Subset(name="both", group="X2", source=RELIABLE, against=UNRELIABLE, fraction=0.08)
    subsets = (*(s for s in TABLE_1 if s.name != "D8cons"), contested)
    found = from_sources((Source(name=RELIABLE, reliability=0.5), Source(name=UNRELIABLE)), subsets)
    assert contested in found
    assert contested.sources == (RELIABLE, UNRELIABLE)


def test_reliability_without_subsets_to_divide_is_an_error():
    with pytest.raises(ValueError, match="no subset of X1 is defined by one of them"):
        from_sources((Source(name=RELIABLE, reliability=1),), tuple(s for s in TABLE_1 if s.group == "X2"))


@pytest.mark.parametrize("right", [-0.1, 1.1, math.nan])
def test_reliability_of_a_source_is_a_share(right):
    with pytest.raises(ValidationError, match="reliability"):
        Source(name="a", reliability=right)


@pytest.mark.parametrize("wrong", [{"source": None}, {"consistent": False}])
def test_who_contradicts_contradicts_a_source_that_is_right(wrong):
    with pytest.raises(ValidationError, match="contradicts a source that is right"):
        Subset(**{"name": "x", "group": "X2", "source": RELIABLE, "against": NEW, "fraction": 0.1, **wrong})
