"""Downloads of the published files: the only place where data come over the network.

What has arrived stays when a download breaks off, and the next one goes on from there. The sha256 of the first whole
download is kept beside the file (``cross-verified-database.csv.gz.sha256``), and the file is checked against it ever
after. Neither publisher names a checksum to compare the first download with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.files import file_sha256
from sayso.data.progress import OnProgress, unheard


@dataclass(frozen=True)
class Published:
    """A file that is published: its address, its name, and where it is described.

    `sha256`: if it is known beforehand.
    """

    url: str
    name: str
    home: str
    sha256: str | None = None


#: 261,545,417 bytes in 2026. A mirror of it was reported with sha256
#: fe44aa6f97cf9f6c12d040137f92a9f4d0fd1f50e28f7f5d80eeae29b487828d; whether that is this very file is not known.
CVDB_FILE = Published(
    url="https://data.sciencespo.fr/api/access/datafile/4432",
    name="cross-verified-database.csv.gz",
    home="https://doi.org/10.21410/7E4/RDAG3O",
)
#: Several GB.
TREX_FILE = Published(
    url="https://figshare.com/ndownloader/files/8760241",
    name="TREx.zip",
    home="https://doi.org/10.6084/m9.figshare.5146864",
)

#: Bytes that are written at a time; at most so many are lost when a download breaks off.
CHUNK = 1 << 16
_SECONDS = 60


def fetch(published: Published, folder: Path, on_progress: OnProgress = unheard) -> Path:
    """Return the file in `folder`, downloaded unless it is there.

    Raises
    ------
    SaysoError
        If the download fails, or the file is not the one whose checksum is known.
    """
    target = folder / published.name
    record = folder / f"{published.name}.sha256"
    try:
        known = published.sha256 or (record.read_text(encoding="utf-8")[:64] if record.exists() else "") or None
        if not target.exists():
            import pooch

            folder.mkdir(parents=True, exist_ok=True)
            downloader = _resuming(target.with_name(f"{target.name}.part"), on_progress)
            pooch.get_logger().setLevel("WARNING")
            pooch.retrieve(published.url, known and f"sha256:{known}", target.name, folder, downloader=downloader)
        sha256 = file_sha256(target)
        if known is not None and sha256 != known:
            raise SaysoError(
                f"{target}: sha256 is {sha256}, expected {known} ({record.name}); delete it to download it again"
            )
        if not record.exists():
            record.write_text(f"{sha256}  {target.name}\n", encoding="utf-8")
    except ValueError as error:  # pooch's word for another checksum
        raise SaysoError(
            f"{published.url}: what came has another sha256 than expected ({known}); if a new version was published, "
            f"delete {record}"
        ) from error
    except OSError as error:  # those of requests among them
        reason = error.strerror or " ".join(str(error).split())
        raise SaysoError(
            f"{published.url}: cannot be downloaded: {reason}; the same command goes on where it was, or download it "
            f"yourself ({published.home}) and name it with --file"
        ) from error
    return target


def _resuming(part: Path, on_progress: OnProgress) -> Callable[[str, Any, Any], None]:
    """A downloader for pooch that goes on with `part`."""

    def download(url: str, output_file: Any, _pooch: Any) -> None:
        import requests

        begun = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={begun}-", "Accept-Encoding": "identity"} if begun else {}
        with requests.get(url, headers=headers, stream=True, timeout=_SECONDS) as answer:
            if begun and answer.status_code == requests.codes.requested_range_not_satisfiable:
                whole = answer.headers.get("Content-Range", "").rpartition("/")[2]
                total = int(whole) if whole.isdigit() else None  # nothing is missing, or too much is here
            else:
                answer.raise_for_status()
                if answer.status_code != requests.codes.partial_content:
                    begun = 0  # the server sends all of it
                length = answer.headers.get("Content-Length")
                total = begun + int(length) if length else None
                with part.open("ab" if begun else "wb") as stream:
                    on_progress(begun, total)
                    for chunk in answer.iter_content(CHUNK):
                        stream.write(chunk)
                        on_progress(stream.tell(), total)
        arrived = part.stat().st_size
        if total is not None and arrived > total:
            part.unlink()
        if total is not None and arrived != total:
            raise OSError(f"the connection ended after {arrived} of {total} bytes")
        part.replace(output_file)

    return download
