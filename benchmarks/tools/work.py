"""What every tool is given to do: the same works, results and dates for all of them.

Only the standard library: this file is read in each tool's own environment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

LENGTH = 10  # tasks of the chain
WIDTH = 20  # tasks in the middle of the fan
DATES = 30  # of the backfill
FLIGHT_DATES = 31  # January 2013
HOLDERS = 5  # tasks that hold still at once; one of them is the base that the others are compared with
FIRST_DATE = date(2026, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Something to do, and how its figure is read.

    Attributes:
        name: of the work, as in `--work`.
        title: for people.
        unit: of the figure.
        tasks: how many tasks one sample runs.
        result: the number that each run must leave; None where the tool's script checks something else.
        rate: the figure is tasks a second (more is better), not a time or a size.
    """

    name: str
    title: str
    unit: str
    tasks: int
    result: int | None
    rate: bool = False

    def figure(self, measured: float) -> float:
        """The figure of one sample: from seconds (from MB for `memory`)."""
        if self.rate:
            return self.tasks / measured
        return measured * 1000 / self.tasks if self.unit == "ms a task" else measured


FAN_RESULT = WIDTH + sum(range(WIDTH))
WORKS = {
    work.name: work
    for work in (
        Work(name="chain", title="chain of 10, warm", unit="ms a task", tasks=LENGTH, result=LENGTH),
        Work(name="fan", title="1 → 20 → 1, warm", unit="ms a task", tasks=WIDTH + 2, result=FAN_RESULT),
        Work(
            name="dates",
            title="the chain for 30 dates, warm",
            unit="tasks a second",
            tasks=LENGTH * DATES,
            result=LENGTH,
            rate=True,
        ),
        Work(name="cold", title="one task, whole command", unit="s", tasks=1, result=1),
        Work(name="cold-chain", title="chain of 10, whole command", unit="s", tasks=LENGTH, result=LENGTH),
        Work(
            name="cold-fan", title="1 → 20 → 1, whole command", unit="s", tasks=WIDTH + 2, result=FAN_RESULT
        ),
        Work(
            name="flights", title="flights.ipynb for 31 dates", unit="s", tasks=FLIGHT_DATES * 9, result=None
        ),
        Work(name="memory", title="memory of a further task with pandas", unit="MB", tasks=1, result=None),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One task of a work: the names it takes, its code, and the name it gives."""

    name: str
    takes: tuple[str, ...]
    code: str
    gives: str


def chain(length: int = LENGTH) -> tuple[Step, ...]:
    """Tasks that hand one number along, upstream first; the last gives `length`."""
    first = Step(name="t1", takes=(), code="n1 = 1", gives="n1")
    others = (
        Step(name=f"t{i}", takes=(f"n{i - 1}",), code=f"n{i} = n{i - 1} + 1", gives=f"n{i}")
        for i in range(2, length + 1)
    )
    return (first, *others)


def fan(width: int = WIDTH) -> tuple[Step, ...]:
    """One task feeds `width` others, and one gathers them; upstream first."""
    start = Step(name="start", takes=(), code="base = 1", gives="base")
    arms = tuple(
        Step(name=f"arm{i}", takes=("base",), code=f"a{i} = base + {i}", gives=f"a{i}") for i in range(width)
    )
    names = tuple(arm.gives for arm in arms)
    end = Step(name="end", takes=names, code=f"total = {' + '.join(names)}", gives="total")
    return (start, *arms, end)


STEPS = {"chain": chain(), "fan": fan(), "one": chain(1)}


def dates(count: int) -> list[str]:
    """The first `count` logical dates, as ISO text."""
    return [(FIRST_DATE + timedelta(days=day)).isoformat() for day in range(count)]


def result_file(name: str) -> str:
    """Where the run of this date (or id) leaves its number, inside the folder of the work."""
    return f"result-{name}.txt"


def write_result(step: Step) -> str:
    """Code of a notebook's last cell: the number that `step` gives goes to the result file of `ds`."""
    return f"from pathlib import Path\n\nPath(f'result-{{ds}}.txt').write_text(str({step.gives}));"


def hold(number: int) -> str:
    """Code of a task that loads pandas, says that it has, and holds still until a file `go` appears."""
    return "\n".join(
        [
            "import time",
            "from pathlib import Path",
            "",
            "import pandas as pd",
            "",
            f"frame_{number} = pd.DataFrame({{'number': range(100)}})",
            f"Path('holds-{number}.txt').touch()",
            "while not Path('go').exists():",
            "    time.sleep(0.05)",
        ]
    )
