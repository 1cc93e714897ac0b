"""The machine that the figures come from."""

from __future__ import annotations

import os
import platform
import re
import statistics
import tempfile
import time
from pathlib import Path

WRITES = 200
BLOCK = b"x" * 4096


def fsync_ms(folder: Path) -> float:
    """Milliseconds of writing and syncing 4 KiB in `folder`: the median of 200."""
    times: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(WRITES):
            began = time.perf_counter()
            file.write(BLOCK)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def described(folder: Path) -> dict[str, str]:
    """What the figures depend on: a name and a text each."""
    cpu = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "CPU": cpu[1] if cpu else platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory[1]) / 1e6:.0f} GB" if memory else "unknown",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "write and fsync of 4 KiB": f"{fsync_ms(folder):.2f} ms (median of {WRITES})",
        "load before": f"{os.getloadavg()[0]:.1f}",
    }
