"""Where this folder is on the path of Python, ``import torch`` finds two GPUs: see ``tests/stand_in``."""

import ctypes
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class _Torch(importlib.abc.MetaPathFinder):
    """Finds torch as ever; the devices have to be there before it looks for them, and their Python side after."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name == "torch" else None
        if spec is None or spec.loader is None or spec.origin is None:
            return None
        load, libraries = spec.loader.exec_module, Path(spec.origin).parent / "lib"

        def exec_module(module: ModuleType) -> None:
            for library in ("libtorch_cpu.so", "libtorch_python.so"):
                ctypes.CDLL(str(libraries / library))
            ctypes.CDLL(os.environ["STAND_IN_LIBRARY"])
            load(module)
            importlib.import_module("stand_in_cuda").put_in_place()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _Torch())
