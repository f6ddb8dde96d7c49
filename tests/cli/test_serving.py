"""The server over the loopback interface: what it answers, whom it refuses, and what it never says."""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from pytest_socket import enable_socket

from sayso.cli import serving
from sayso.cli.serving import PageServer
from sayso.core.errors import SaysoError

PAGE, POLICY = "<p>±", "default-src 'none'"


@pytest.fixture(autouse=True)
def _loopback(no_network: None) -> None:
    """Sockets are there: these tests talk to this process alone."""
    enable_socket()


@contextmanager
def serving_at(host: str = "127.0.0.1", *, secret: bool = False) -> Iterator[PageServer]:
    with PageServer(host, 0, PAGE, POLICY, lambda cell: f'["{cell}"]', secret=secret) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


Ask = Callable[..., tuple[http.client.HTTPResponse, bytes]]


@pytest.fixture
def served() -> Iterator[Callable[..., tuple[PageServer, Ask]]]:
    with ExitStack() as stack:

        def begin(host: str = "127.0.0.1", *, secret: bool = False) -> tuple[PageServer, Ask]:
            server = stack.enter_context(serving_at(host, secret=secret))

            def ask(path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
                client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
                client.request(method, path, headers={"Host": f"localhost:{server.server_port}", **headers})
                answer = client.getresponse()
                content = answer.read()
                client.close()
                return answer, content

            return server, ask

        yield begin


def test_the_page_and_its_state_are_all_there_is(served):
    server, ask = served()
    assert server.url == f"http://127.0.0.1:{server.server_port}/"
    page, content = ask("/")
    assert (page.status, content.decode()) == (200, PAGE)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"] == POLICY
    state, content = ask("/state.json")
    assert (state.status, content) == (200, b'["None"]')
    assert state.headers["Content-Type"] == "application/json; charset=utf-8"
    assert ask("/state.json?cell=2")[1] == b'["2"]'
    for path in ("/etc/passwd", "/../../etc/passwd", "/..%2f..%2fetc/passwd", "//etc/passwd", "/state.json/", "/x?y"):
        answer, content = ask(path)
        assert (answer.status, content) == (404, b"404 Not Found\n"), path


def test_nothing_is_kept_framed_guessed_or_told_to_others(served):
    _, ask = served()
    for path in ("/", "/state.json", "/nothing"):
        headers = ask(path)[0].headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "Access-Control-Allow-Origin" not in headers
        assert "Python" not in headers["Server"]


def test_head_is_get_without_content(served):
    _, ask = served()
    for path in ("/", "/state.json", "/nothing"):
        (got, content), (head, nothing) = ask(path), ask(path, "HEAD")
        assert nothing == b""
        assert (head.status, head.headers["Content-Length"]) == (got.status, str(len(content)))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "<script>"])
def test_nothing_can_be_done_but_reading(served, method):
    _, ask = served()
    answer, content = ask("/", method)
    assert answer.status == 501
    assert b"script" not in content


def test_another_name_that_leads_here_is_refused(served):
    server, ask = served()
    port = server.server_port
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", f"LOCALHOST:{port}"):
        assert ask("/", Host=host)[0].status == 200, host
    for host in (
        "evil.example",
        f"evil.example:{port}",
        "localhost",
        f"localhost:{port}.evil.example",
        f"127.0.0.1:{port}1",
    ):
        for path in ("/", "/state.json", "/nothing"):
            answer, content = ask(path, Host=host)
            assert (answer.status, content) == (403, b"403 Forbidden\n"), host


def test_with_a_token_nothing_is_seen_without_it(served):
    server, ask = served(secret=True)
    assert len(server.token) >= 20
    assert server.url.endswith(f":{server.server_port}/{server.token}/")
    assert ask(f"/{server.token}/")[1].decode() == PAGE
    assert ask(f"/{server.token}/state.json?cell=1")[1] == b'["1"]'
    assert ask(f"/{server.token}/", Host="any.example")[0].status == 200
    assert ask(f"/{server.token}/other")[0].status == 404
    wrong = server.token[:-1] + ("A" if server.token[-1] != "A" else "B")
    for path in (
        "/",
        "/state.json",
        f"/{wrong}/",
        f"/{server.token[:-1]}/",
        f"/{server.token}x/",
        "//",
        "/%00/",
    ):
        answer, content = ask(path)
        assert (answer.status, content) == (403, b"403 Forbidden\n"), path


def test_all_addresses_take_a_token_and_no_two_are_the_same(served):
    (one, _), (other, _) = served("0.0.0.0"), served("0.0.0.0")
    assert not one.loopback
    assert one.token
    assert one.token != other.token
    assert one.url == f"http://{socket.gethostname()}:{one.server_port}/{one.token}/"


def test_a_client_that_says_nothing_is_let_go(served, monkeypatch):
    monkeypatch.setattr(serving._Answers, "timeout", 0.05)
    server, ask = served()
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as silent:
        assert ask("/")[0].status == 200  # others are answered meanwhile
        assert silent.recv(1) == b""


@pytest.mark.parametrize("nonsense", [b"GET <script>alert(1)</script> HTTP/9.9", b"GET /\xe9\xff/ HTTP/1.1", b"\0\1\2"])
def test_a_client_that_talks_nonsense_gets_an_answer_that_repeats_none_of_it(served, nonsense, capsys):
    server, _ = served(secret=True)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as client:
        client.sendall(nonsense + b"\r\n\r\n")
        said = b""
        while more := client.recv(4096):
            said += more
    assert re.search(rb"(505 HTTP Version Not Supported|403 Forbidden|400 Bad Request)\n$", said)
    assert b"script" not in said
    assert capsys.readouterr() == ("", "")


def test_a_client_that_goes_away_is_nothing_to_speak_of_and_a_mistake_of_ours_is(capsys):
    with PageServer("127.0.0.1", 0, PAGE, POLICY, str) as server:
        for error, said in ((ConnectionResetError(), False), (TimeoutError(), False), (ZeroDivisionError(), True)):
            try:
                raise error
            except (OSError, ZeroDivisionError):
                server.handle_error(None, ("127.0.0.1", 1))
            assert ("Traceback" in capsys.readouterr().err) == said


def test_what_cannot_be_listened_on_is_one_line():
    with PageServer("127.0.0.1", 0, PAGE, POLICY, str) as server, pytest.raises(SaysoError) as caught:
        PageServer("127.0.0.1", server.server_port, PAGE, POLICY, str)
    assert str(caught.value).startswith(f"--port {server.server_port}: in use on 127.0.0.1; choose another")
    with pytest.raises(SaysoError, match=r"--host 192\.0\.2\.1: not an address of this machine"):
        PageServer("192.0.2.1", 0, PAGE, POLICY, str)


@pytest.mark.parametrize("host", ["no such host", "a" * 300, "ü" * 70])
def test_a_host_that_is_none_is_one_line(host, monkeypatch):
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    if len(host) < 64:  # the others never get as far as a name server
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(SaysoError, match="no such host; leave it out") as caught:
        PageServer(host, 0, PAGE, POLICY, str)
    assert "\n" not in str(caught.value)
