from sayso.core.errors import nearest


def test_the_closest_name_is_suggested():
    assert nearest("learning_rat", ["learning_rate", "batch_size", "schedule"]) == "; did you mean 'learning_rate'?"


def test_all_names_are_listed_where_none_is_close():
    assert nearest("zzz", ["b", "a"]) == "; there is: a, b"


def test_nothing_is_said_where_there_is_nothing():
    assert nearest("zzz", []) == ""
