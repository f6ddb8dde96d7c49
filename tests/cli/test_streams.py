import codecs
import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sayso.cli.streams import can_write, escaped, make_printable

codecs.register_error("test-escaped", escaped)


@given(
    st.text(st.characters(exclude_categories=())), st.sampled_from(["ascii", "cp1252", "latin-1", "utf-8", "koi8-r"])
)
def test_json_can_be_written_in_any_encoding_and_says_the_same(text, encoding):
    written = json.dumps(text, ensure_ascii=False).encode(encoding, "test-escaped")
    assert json.loads(written.decode(encoding)) == json.loads(json.dumps(text))


def test_what_cannot_be_read_is_not_its_business():
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("utf-8", "test-escaped")


def test_streams_that_are_closed_take_what_they_are_given(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    make_printable()
    print("something", flush=True)
    print("something", file=sys.stderr, flush=True)
    sys.stdout.close()
    sys.stderr.close()


@pytest.mark.parametrize(("errors", "after"), [("strict", "sayso-escaped"), ("replace", "replace")])
def test_what_the_user_chose_is_left(errors, after, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors=errors)
    monkeypatch.setattr(sys, "stdout", stream)
    make_printable()
    assert stream.errors == after


def test_what_an_encoding_can_write():
    assert can_write("\N{PLUS-MINUS SIGN}", "cp1252")
    assert not can_write("\N{PLUS-MINUS SIGN}", "ascii")
    assert not can_write("a", "no such encoding")
    assert can_write("a", None)
