"""Downloads, from a server of our own in a process of its own: tests themselves may not open sockets."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from sayso.data.published.fetch import CHUNK, CVDB_FILE, TREX_FILE

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()

#: Serves CONTENT. `mode`: "whole"; "cut": ends the first answer in the middle; "deaf": the same, and knows no ranges.
SERVER = """
import http.server, json, sys, threading
from pathlib import Path
from typing import Any
from sayso.core.errors import SaysoError
from sayso.data.published.fetch import Published, fetch
CONTENT = bytes(range(256)) * 4000
asked = []
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range")
        asked.append(wanted)
        start = int(wanted.split("=")[1].rstrip("-")) if wanted and MODE != "deaf" else 0
        if MODE == "missing": return self.send_error(404)
        if start >= len(CONTENT):
            self.send_response(416); self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.send_header("Content-Length", "0"); self.end_headers(); return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start)); self.end_headers()
        end = len(CONTENT) // 2 if MODE in ("cut", "deaf") and len(asked) == 1 else len(CONTENT)
        self.wfile.write(CONTENT[start:end])
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
heard, said = [], []
def once():
    try:
        file = Published(f"http://127.0.0.1:{server.server_port}/x", "x.bin", "https://home", KNOWN)
        said.append(str(fetch(file, FOLDER, lambda done, total: heard.append([done, total]))))
    except SaysoError as error:
        said.append("error: " + str(error))
"""
END = """
server.shutdown(); server.server_close()
print(json.dumps({"asked": asked, "heard": heard, "said": said}))
"""


@pytest.fixture
def downloads(fresh_python, tmp_path):
    def run(mode: str, steps: str, known: str | None = None) -> dict[str, list[Any]]:
        head = f"MODE, KNOWN = {mode!r}, {known!r}\n" + SERVER
        code = f"from pathlib import Path\nFOLDER = Path({str(tmp_path / 'cache')!r})\n{head}\n{steps}\n{END}"
        found: dict[str, list[Any]] = json.loads(fresh_python(code))
        return found

    return run


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_is_downloaded_once_its_checksum_kept_beside_it_and_progress_told(downloads, tmp_path):
    found = downloads("whole", "once(); once()")
    assert found["said"] == [str(tmp_path / "cache" / "x.bin")] * 2
    assert found["asked"] == [None]
    assert found["heard"][0] == [0, len(CONTENT)]
    assert found["heard"][-1] == [len(CONTENT), len(CONTENT)]
    expected = {"x.bin": CONTENT, "x.bin.sha256": f"{SHA256}  x.bin\n".encode()}
    assert files(tmp_path / "cache") == expected


@pytest.mark.parametrize("mode", ["cut", "deaf"])
def test_a_download_that_breaks_off_goes_on_where_it_was(downloads, tmp_path, mode):
    found = downloads(mode, "once(); once()")
    assert found["said"][0].startswith("error: http://127.0.0.1")
    assert "the same command goes on where it was" in found["said"][0]
    assert "https://home" in found["said"][0]
    assert "\n" not in found["said"][0]
    first, second = found["asked"]
    begun = int(second.removeprefix("bytes=").removesuffix("-"))
    assert first is None
    assert 0 <= len(CONTENT) // 2 - begun < CHUNK  # what had not filled a chunk is asked for again
    assert files(tmp_path / "cache")["x.bin"] == CONTENT
    assert not (tmp_path / "cache" / "x.bin.part").exists()


def test_a_part_that_is_whole_or_too_long_is_noticed(downloads, tmp_path):
    part = tmp_path / "cache" / "x.bin.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    assert downloads("whole", "once()")["said"] == [str(tmp_path / "cache" / "x.bin")]
    (tmp_path / "cache" / "x.bin").unlink()
    part.write_bytes(CONTENT + b"more")
    found = downloads("whole", "once(); once()")
    assert found["said"][0].startswith("error: ")
    assert files(tmp_path / "cache")["x.bin"] == CONTENT


def test_a_file_that_has_changed_since_is_not_used(downloads, tmp_path):
    downloads("whole", "once()")
    (tmp_path / "cache" / "x.bin").write_bytes(CONTENT[:-1])
    (said,) = downloads("whole", "once()")["said"]
    assert f"expected {SHA256}" in said
    assert "delete it to download it again" in said


def test_another_file_than_the_known_one_is_not_kept(downloads, tmp_path):
    (said,) = downloads("whole", "once()", known="0" * 64)["said"]
    assert "another sha256 than expected" in said
    assert files(tmp_path / "cache") == {}


def test_an_address_that_is_gone_is_one_line(downloads, tmp_path):
    (said,) = downloads("missing", "once()")["said"]
    assert "404" in said
    assert "--file" in said
    assert files(tmp_path / "cache") == {}


def test_the_addresses_are_the_publishers():
    assert CVDB_FILE.url == "https://data.sciencespo.fr/api/access/datafile/4432"
    assert TREX_FILE.url == "https://figshare.com/ndownloader/files/8760241"
