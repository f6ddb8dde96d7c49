"""A page and its state over HTTP, to be read and nothing else: two fixed paths, and no file is ever opened for them.

On the loopback interface requests must name it as their host, so that no page of the web can ask by a name of its own
that leads here. Anywhere else the address holds a token, and without it there is nothing to be seen.
"""

from __future__ import annotations

import errno
import hmac
import ipaddress
import os
import secrets
import socket
import socketserver
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sayso.core.errors import SaysoError

#: Seconds a client may take over its request.
_PATIENCE_S = 10.0
#: The port that addresses leave out.
_HTTP = 80
#: Sent with every answer: nothing is kept, guessed, framed, or told to anyone else.
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NOTHING = "default-src 'none'; frame-ancestors 'none'"


class PageServer(ThreadingHTTPServer):
    """Serves a page, and its state as JSON: `state` is asked with what stands after ``?cell=``, or None.

    `token`: what addresses begin with; empty on loopback unless `secret`.

    Raises
    ------
    SaysoError
        If there is no such host here, or the port is in use or not to be had.
    """

    allow_reuse_address = os.name == "posix"  # elsewhere it lets two have one port

    def __init__(
        self,
        host: str,
        port: int,
        page: str,
        policy: str,
        state: Callable[[str | None], str],
        *,
        secret: bool = False,
    ) -> None:
        self.page, self.policy, self.state = page.encode(), policy, state
        address = self._find(host, port)
        self.loopback = ipaddress.ip_address(address[0]).is_loopback
        self.token = "" if self.loopback and not secret else secrets.token_urlsafe(16)
        try:
            super().__init__(address[:2], _Answers)
        except OSError as error:
            raise SaysoError(_why_not(host, port, error)) from error

    def server_bind(self) -> None:
        """Bind without asking a name server what this machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away; anything else is a mistake of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        """Where the page is."""
        host, port = self.server_name, self.server_port
        if ipaddress.ip_address(host).is_unspecified:
            host = socket.gethostname()
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/{self.token + '/' if self.token else ''}"

    def admits(self, host: str | None, token: str) -> bool:
        """Whether a request may be answered, by its Host header and the token in its address."""
        if self.token:
            return hmac.compare_digest(token.encode(), self.token.encode())
        port = f":{self.server_port}"
        name = (host or "").lower().removesuffix(port)
        named = (host or "").endswith(port) or self.server_port == _HTTP
        return named and name in ("localhost", "[::1]", "127.0.0.1", self.server_name)

    def _find(self, host: str, port: int) -> tuple[Any, ...]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        except (OSError, UnicodeError) as error:
            raise SaysoError(f"--host {host}: no such host; leave it out for this machine alone") from error
        family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        self.address_family = family
        return address


class _Answers(BaseHTTPRequestHandler):
    """Answers one request."""

    server: PageServer
    timeout = _PATIENCE_S
    server_version, sys_version = "sayso", ""

    def do_GET(self) -> None:
        """Give the page or its state."""
        asked = urlsplit(self.path)
        parts = asked.path.split("/")
        token, name = (parts[1], parts[2:]) if self.server.token and len(parts) > 2 else ("", parts[1:])
        if not self.server.admits(self.headers.get("Host"), token):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif name == [""]:
            self._answer(HTTPStatus.OK, "text/html", self.server.page, self.server.policy)
        elif name == ["state.json"]:
            cell = parse_qs(asked.query).get("cell")
            self._answer(HTTPStatus.OK, "application/json", self.server.state(cell[0] if cell else None).encode())
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_HEAD(self) -> None:
        """The same without content."""
        self.do_GET()

    def send_error(self, code: int, *_said: str | None, **_explained: str | None) -> None:
        """Answer with a line of plain text that repeats nothing of the request."""
        self.close_connection = True
        self._answer(HTTPStatus(code), "text/plain", f"{code} {HTTPStatus(code).phrase}\n".encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (named by its parent)
        """Keep no log: the terminal is the user's."""

    def _answer(self, status: HTTPStatus, kind: str, content: bytes, policy: str = _NOTHING) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(content)),
            "Content-Security-Policy": policy,
            **_HEADERS,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"--port {port}: in use on {host}; choose another, or leave it out for one that is free"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host}: not an address of this machine; leave it out, or give one of its own (0.0.0.0 is all)"
    if error.errno == errno.EACCES:
        return f"--port {port}: not allowed here; choose one above 1023, or leave it out"
    return f"{host}, port {port}: cannot listen there: {error.strerror}"
