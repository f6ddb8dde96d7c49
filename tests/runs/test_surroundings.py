import threading
import time
import urllib.error
import urllib.request

import pytest

from sayso.runs.surroundings import answers, folders, hub


def never(endpoint: str, seconds: float) -> bool:
    raise AssertionError("offline")


def test_folders_are_those_that_the_environment_names(tmp_path, own_cache):
    home = tmp_path / "home"
    environment = {"SAYSO_CACHE": str(tmp_path / "facts"), "XDG_CACHE_HOME": str(home)}

    def models(**more: str) -> str:
        return {folder.what: folder.path for folder in folders({**environment, **more}, tmp_path / "results")}["models"]

    assert models() == str(home / "huggingface" / "hub")
    assert models(HF_HOME="/a") == "/a/hub"
    assert models(HF_HOME="/a", HF_HUB_CACHE="/b") == "/b"
    found = {folder.what: folder.path for folder in folders(environment, tmp_path / "results")}
    assert found["facts"] == str(tmp_path / "facts")
    assert {folder.what: folder.path for folder in folders({}, tmp_path)}["facts"] == str(own_cache)


def test_a_folder_that_is_not_there_yet_is_as_the_one_above_it(tmp_path):
    def look(results: str) -> tuple[bool, bool]:
        found = folders({"SAYSO_CACHE": str(tmp_path)}, tmp_path / results)[0]
        assert found.path == str(tmp_path / results)
        return found.writable, found.free is not None

    assert look("a/b/c") == (True, True)
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert look("file/b") == (False, True)


def test_a_working_folder_that_is_gone_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    found = folders({}, type(tmp_path)("sayso-results"))[0]
    assert (found.path, found.free, found.writable) == ("sayso-results", None, False)


def test_the_hub_is_not_asked_where_a_setting_says_so():
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        for said in ("1", "true"):
            found = hub({name: said}, never)
            assert (found.offline_by, found.reachable) == (name, None)
    assert hub({"HF_HUB_OFFLINE": "0"}, lambda *_: True).reachable
    assert hub({"HF_ENDPOINT": "https://mirror"}, lambda url, _: url == "https://mirror").reachable
    assert not hub({}, lambda url, _: url == "https://mirror").reachable


def test_a_token_is_there_or_not(tmp_path):
    def token(**environment: str) -> bool:
        return hub({"HF_HOME": str(tmp_path), **environment}, lambda *_: False).token

    assert not token()
    assert token(HF_TOKEN="x")
    assert not token(HF_TOKEN="")
    (tmp_path / "token").write_text("x", encoding="utf-8")
    assert token()
    assert not token(HF_TOKEN_PATH=str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("raises", "reachable"),
    [
        (urllib.error.HTTPError("https://hub", 401, "no", None, None), True),  # type: ignore[arg-type]
        (urllib.error.URLError("no route"), False),
        (ValueError("unknown url type"), False),
        (None, True),
    ],
)
def test_a_server_that_says_anything_answers(raises, reachable, monkeypatch):
    class Response:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None: ...

    def open_(request: urllib.request.Request, timeout: float) -> Response:
        if raises is not None:
            raise raises
        return Response()

    monkeypatch.setattr(urllib.request, "urlopen", open_)
    assert answers("https://hub", 10.0) == reachable


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch):
    ends = threading.Event()
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: ends.wait(60))
    start = time.monotonic()
    assert not answers("https://hub", 0.2)
    assert time.monotonic() - start < 20
    ends.set()


def test_without_a_network_the_hub_does_not_answer():
    assert not answers("https://huggingface.co", 10.0)  # sockets are barred in tests
