"""How long a failed task waits before it runs again."""

from __future__ import annotations

import hashlib
import math
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbflow.model.run import TaskKey
    from nbflow.model.task import TaskSpec

MAX_LOSSES = 3  # a try that died under its process runs again this often at no cost


def wait(spec: TaskSpec, key: TaskKey, try_number: int) -> timedelta:
    """The wait after failed try `try_number` (from 1), elapsed time.

    `retry_delay`; with backoff ceil(delay · 2^(try−1)) seconds plus a jitter of less than that,
    which depends on nothing but the task instance and the try; never above `max_retry_delay`
    (semantics.md, Task states, delay).
    """
    if not spec.retry_exponential_backoff:
        return spec.retry_delay
    # The exponent is bounded: 2**64 seconds are beyond every cap, and floats overflow later on.
    grown = math.ceil(spec.retry_delay.total_seconds() * 2 ** min(try_number - 1, 64))
    seed = f"{key.run.dag_id}#{key.task_id}#{key.run.run_id}#{key.map_index}#{try_number}"
    jitter = int.from_bytes(hashlib.sha1(seed.encode(), usedforsecurity=False).digest()[:8]) % max(grown, 1)
    return timedelta(seconds=min(grown + jitter, spec.max_retry_delay.total_seconds()))
