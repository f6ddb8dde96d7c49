"""A Ray cluster: connecting to one that is there, or starting one on this machine; what its nodes have."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sayso.core.errors import SaysoError
from sayso.core.extras import advice
from sayso.core.files import file_sha256
from sayso.core.store import Store
from sayso.runs.manifest import versions
from sayso.runs.needs import Needs
from sayso.runs.ray_task import look_around

#: Where a cluster is, if nothing else is said.
ADDRESS = "RAY_ADDRESS"
#: Starts a cluster on this machine.
LOCAL = "local"
#: Ray's client, for machines that are no nodes.
CLIENT = "ray://"
#: Seconds within which an address must answer.
_ANSWER_S = 5.0
#: Seconds a node has for saying what it sees: a worker of Ray may have to start for it.
_NODE_S = 120.0
#: Bytes for Ray's object store, which nothing is put into: the least it takes.
_OBJECTS = 80 * 2**20

#: No reports of use; and of lines from nodes, which it prints among ours, it skips those that match this: all.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "^"}
#: Whether Ray shows a token; it shows none unless told, while a cluster started by a newer Ray wants one.
_AUTH = "RAY_AUTH_MODE"
_ASK = "put what 'ray get-auth-token' prints on its head into RAY_AUTH_TOKEN"


@dataclass(frozen=True)
class Node:
    """A node that lives: its id, its name, how many cores and GPUs, and bytes of memory it has for tasks."""

    id: str
    name: str
    cores: int
    gpus: int
    memory: float

    def has(self, needs: Needs) -> bool:
        """Whether a job with these needs fits, when nothing else is there."""
        return self.cores >= needs.cores and self.gpus >= needs.gpus and self.memory >= 1e9 * needs.memory_gb

    @property
    def resources(self) -> str:
        """What it has, in words."""
        return f"{self.cores} cores, {self.gpus} GPUs and {self.memory / 1e9:.3g} GB"


def address_of(address: str | None) -> str:
    """The address meant: as said, or what the environment says, or `LOCAL`."""
    return address or os.environ.get(ADDRESS, "") or LOCAL


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """Ray's module, connected to a cluster until the end; a process that is connected already stays as it is.

    Raises
    ------
    SaysoError
        If Ray is not installed, nothing answers at the address, or the cluster has another version of Ray or Python.
    """
    token = _token(address)
    ray = quiet_ray(token)
    if ray.is_initialized():
        yield ray
        return
    _require_answer(address)
    with _undisturbed(token):
        try:
            _begin(ray, address)
        except Exception as error:  # of its own kinds, and of those of its libraries
            ray.shutdown()
            words = said(error)
            wanted = "" if token or "onnect" not in words else f"; if the cluster wants a token, {_ASK}"
            raise SaysoError(f"Ray at {address}: {words}{wanted}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def nodes_of(ray: Any) -> list[Node]:
    """The nodes that live."""
    found = []
    for node in ray.nodes():
        if node["Alive"]:
            has: Mapping[str, float] = node["Resources"]
            name = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"
            gpus, memory = int(has.get("GPU", 0)), float(has.get("memory", 0))
            found.append(Node(node["NodeID"], name, int(has.get("CPU", 0)), gpus, memory))
    return found


def require_nodes(ray: Any, nodes: Sequence[Node], store: Store) -> None:
    """Make sure that every node that takes tasks sees a results folder, and has what is installed here.

    Raises
    ------
    SaysoError
        If one does not.
    """
    strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
    what = str(store.path.resolve()), file_sha256(store.experiment_path), versions()
    looks = []
    for node in nodes:
        if node.cores:
            options = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": strategy(node.id, soft=False)}
            looks.append((node, ray.remote(look_around).options(**options).remote(*what)))
    if not looks:
        raise SaysoError("this Ray cluster has no node that takes tasks; 'ray start --address=...' adds one")
    for node, look in looks:
        try:
            ray.get(look, timeout=_NODE_S)
        except ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, SaysoError):
                raise SaysoError(said(error)) from error
            raise SaysoError(f"node {node.name} of the Ray cluster cannot run sayso: {said(error)}") from error
        except ray.exceptions.GetTimeoutError as error:
            raise SaysoError(f"node {node.name} of the Ray cluster says nothing for {_NODE_S:.0f} s") from error
        except ray.exceptions.RayError:  # lost meanwhile
            continue


def misfits(needs: Iterable[Needs], nodes: Sequence[Node], *, more_may_come: bool) -> list[str]:
    """Say what no node has that jobs need.

    Raises
    ------
    SaysoError
        If so, and no other nodes can come.
    """
    found = []
    for need in dict.fromkeys(needs):
        if not any(node.has(need) for node in nodes):
            asked = f"{need.cores} cores, {need.gpus} GPUs and {need.memory_gb:g} GB of memory"
            largest = max(nodes, key=lambda node: (node.gpus, node.cores))
            if not more_may_come:
                raise SaysoError(f"a job needs {asked}; this machine has {largest.resources}")
            found.append(f"no node has {asked} (the largest has {largest.resources}): it is waited for")
    return found


def said(error: BaseException) -> str:
    """One line of what Ray says, which may be many, or of what was raised in a task."""
    error = getattr(error, "cause", None) or error
    words = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, SaysoError):
        return words
    if "AuthToken" in words:
        return f"the cluster wants its token; {_ASK}"
    if "ersion mismatch" in words:
        return f"{words}; install the same here, or begin in the very environment of its nodes"
    return f"{words[:300]}..." if len(words) > 300 else words


def quiet_ray(more: Mapping[str, str] = MappingProxyType({})) -> Any:
    """Ray's module, imported so that it prints nothing (unless this process had imported it before).

    `more`: further settings of the environment while it is imported.

    Raises
    ------
    SaysoError
        If it is not installed.
    """
    try:
        with _undisturbed(more):
            import ray
    except ModuleNotFoundError:
        raise SaysoError(f"--on ray needs Ray: {advice('ray')}") from None
    return ray


def _begin(ray: Any, address: str) -> None:
    """Connect, or start a cluster here, and let Ray say nothing of its own."""
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        options |= {"include_dashboard": False, "object_store_memory": _OBJECTS}
    ray.init(address=address, **options)


def _require_answer(address: str) -> None:
    """Find out now whether anybody is at an address, for which Ray takes a minute."""
    host, colon, port = address.removeprefix(CLIENT).rpartition(":")
    if address in (LOCAL, "auto"):
        return
    if not (host and colon and port.isdigit()):
        raise SaysoError(f"Ray at {address}: not an address; write ray://HOST:PORT, HOST:PORT, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _ANSWER_S).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SaysoError(
            f"Ray at {address}: nothing answers ({reason}); 'ray status' on a node says where it is"
        ) from error


def _token(address: str) -> dict[str, str]:
    """The setting by which a token that is here is shown to a cluster, which wants one unless told otherwise."""
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    there = address != LOCAL and (os.environ.get("RAY_AUTH_TOKEN") or path.exists())
    return {_AUTH: "token"} if there and _AUTH not in os.environ else {}


@contextlib.contextmanager
def _undisturbed(more: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """Keep Ray from what it does to a process beside connecting it: notes, reports of use, a handler of its own."""
    own = {**_QUIET, **more}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    main = threading.current_thread() is threading.main_thread()
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if main and on_sigterm is not None:
            signal.signal(signal.SIGTERM, on_sigterm)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
