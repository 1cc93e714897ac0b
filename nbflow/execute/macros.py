"""What templates can use beside the names of the run: `macros`, and filters for dates; Airflow's."""

from __future__ import annotations

import datetime as datetimes
import json
import random
import time
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


class Macros:
    """`macros` in a template: modules, and functions on dates written `YYYY-MM-DD`."""

    datetime = datetimes.datetime
    timedelta = datetimes.timedelta
    json = json
    random = random.random
    time = time
    uuid = uuid

    @property
    def dateutil(self) -> ModuleType:
        """The package dateutil, where it is installed."""
        import dateutil.parser
        import dateutil.relativedelta

        return dateutil

    @staticmethod
    def ds_add(ds: str, days: int) -> str:
        """The date so many days later, or before where the number is negative."""
        moment = datetimes.date.fromisoformat(str(ds)) + datetimes.timedelta(days=days)
        return moment.isoformat()

    @staticmethod
    def ds_format(ds: str, input_format: str, output_format: str) -> str:
        """A date read in one `strftime` format and written in another."""
        return datetimes.datetime.strptime(str(ds), input_format).strftime(output_format)  # noqa: DTZ007 no zone is meant


def _formatted(pattern: str) -> Callable[[datetimes.datetime | None], str]:
    def show(moment: datetimes.datetime | None) -> str:
        return "" if moment is None else moment.strftime(pattern)

    return show


def _ts(moment: datetimes.datetime | None) -> str:
    return "" if moment is None else moment.isoformat()


FILTERS = {
    "ds": _formatted("%Y-%m-%d"),
    "ds_nodash": _formatted("%Y%m%d"),
    "ts": _ts,
    "ts_nodash": _formatted("%Y%m%dT%H%M%S"),
    "ts_nodash_with_tz": _formatted("%Y%m%dT%H%M%S%z"),
}
