"""Two GPUs that are none, for machines without any: torch takes memory of this machine for theirs.

What runs on them goes through torch's own code for CUDA devices (autograd's threads, autocast, pinned memory, device
guards), and is computed by the CPU's kernels. So it shows what a GPU would refuse or change: tensors of two devices in
one operation, types that flash attention does not take, numbers read before a copy has arrived, pinned memory changed
while it is copied, memory that runs out, and steps that wait for the device. It shows nothing of speed, of rounding,
nor of kernels: what holds here holds on a GPU only as far as torch is the same there.

It is compiled with torch's headers, in half a minute, and rests on insides of torch: a new version may need other code.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

HERE = Path(__file__).parent


def environment(folder: Path) -> dict[str, str]:
    """What a child process needs to find the GPUs; their library is built in `folder` if it is not there yet."""
    from torch.utils.cpp_extension import load

    source = HERE / "device.cpp"
    name = f"stand_in_device_{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / f"{name}.so").exists():
        load(name, [str(source)], build_directory=str(folder), extra_cflags=["-O1"], is_python_module=False)
    path = os.pathsep.join([str(HERE / "site"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return {"STAND_IN_LIBRARY": str(folder / f"{name}.so"), "PYTHONPATH": path}


def can_be_built() -> bool:
    """Whether there is what it is compiled with."""
    return all(shutil.which(each) for each in ("c++", "ninja"))
