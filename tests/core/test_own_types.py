import importlib
import pkgutil

import pytest

import sayso
from sayso.core.errors import SaysoError
from sayso.core.own_types import OWN_TYPES, own_location, written_name
from sayso.core.spec import Component, StandIn, is_abstract, resolve


def own_components() -> dict[str, str]:
    """Name and place of every component in the package that is not abstract."""
    return {
        name: f"{module.name}:{name}"
        for module in pkgutil.walk_packages(sayso.__path__, "sayso.")
        for name, item in vars(importlib.import_module(module.name)).items()
        if isinstance(item, type) and issubclass(item, Component) and item.__module__ == module.name
        if not (is_abstract(item) or item in (Component, StandIn) or name.startswith("_"))
    }


def test_the_table_has_all_components_and_nothing_else():
    assert own_components() == OWN_TYPES


@pytest.mark.parametrize("name", OWN_TYPES)
def test_a_type_is_written_and_read_by_its_name_wherever_its_module_was(name):
    kind = resolve(OWN_TYPES[name])
    assert written_name(kind.__module__, kind.__qualname__) == name
    for spelling in (name, f"sayso.anywhere.before:{name}", f"sayso:{name}", OWN_TYPES[name]):
        assert own_location(spelling) == OWN_TYPES[name]


def test_a_users_class_of_the_same_name_is_the_users():
    assert written_name("mine", "HFModel") == "mine:HFModel"
    assert written_name("sayso_extras.models", "HFModel") == "sayso_extras.models:HFModel"
    assert own_location("mine:HFModel") is None
    assert own_location("sayso_extras.models:HFModel") is None


@pytest.mark.parametrize("written", ["HFModle", "sayso.learners.specs:HFModle"])
def test_a_name_that_is_not_there_is_an_error_with_the_nearest(written):
    with pytest.raises(
        SaysoError, match=r"^no type 'HFModle'; did you mean 'HFModel'[?]; a type of your own is written"
    ):
        own_location(written)
