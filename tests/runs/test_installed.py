from importlib import metadata

import pytest

from sayso.runs.installed import lacking, required, version_of

LINES = [
    "numpy>=1.26",
    'torch<2.14,>=2.11; extra == "train"',
    "transformers<6,>=5.0; extra == 'train'",
    'pandas>=2.2; extra == "report"',
    'pytest>=8.2; extra == "dev"',
    'pandas>=2.2; extra == "all"',
    'sayso[train]; extra == "all"',
]


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({"torch": "2.13.0+cpu", "transformers": "5.24.0", "pandas": "2.2"}, []),
        ({"torch": "2.11", "transformers": "5.0.0rc1", "pandas": "3.0.1"}, []),
        ({"torch": "2.10.1", "transformers": "5.1", "pandas": "2.3"}, ["torch 2.10.1 (it takes <2.14,>=2.11)"]),
        ({"torch": "2.14.0", "transformers": "6.0", "pandas": "2.10"}, ["torch 2.14.0", "transformers 6.0"]),
        ({"torch": "2.12"}, ["transformers", "pandas"]),
    ],
)
def test_what_is_lacking_is_named_with_the_part_that_takes_it(versions, said):
    found = lacking(LINES, versions.get)
    assert len(found) == len(said)
    assert all(str(each).startswith(words) for each, words in zip(found, said, strict=True))
    assert {each.part for each in found} <= {"train", "report"}


def test_sayso_says_what_it_takes_itself():
    """Whatever builds it, its metadata can be read: an extra of each kind, and what is installed here suits it."""
    found = {each.part for each in lacking(required(), lambda _: None)}
    assert found == set(metadata.metadata("sayso").get_all("Provides-Extra", [])) - {"all", "dev"}
    assert [each for each in lacking(required()) if each.part in ("train", "report")] == []
    assert version_of("no-such-package") is None
