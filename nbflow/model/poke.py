"""What a sensor may end with instead of a plain value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PokeReturnValue:
    """A sensor's answer and a value to hand on; Airflow's.

    Attributes:
        is_done: whether what the sensor waits for is there.
        xcom_value: its return value then.
    """

    is_done: bool
    xcom_value: object = None

    def __bool__(self) -> bool:
        return self.is_done
