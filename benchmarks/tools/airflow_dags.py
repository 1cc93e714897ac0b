"""The works as Airflow's DAGs; copied into its folder of DAGs. A run's `conf` says where its result goes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from airflow.sdk import dag, get_current_context, task


@task
def first() -> int:
    """The number that everything begins with."""
    return 1


@task
def add(number: int, more: int) -> int:
    """One task in the middle."""
    return number + more


def conf() -> dict[str, Any]:
    """What the run was asked for, and its name."""
    run = get_current_context()["dag_run"]
    return {"name": run.run_id, **run.conf}


def leave(number: int) -> None:
    """The number goes to the run's result file."""
    asked = conf()
    Path(asked["folder"], f"result-{asked['name']}.txt").write_text(str(number))


@task
def add_and_leave(number: int) -> None:
    """The chain's last task."""
    leave(number + 1)


@task
def sum_and_leave(numbers: list[int]) -> None:
    """The fan's last task."""
    leave(sum(numbers))


@task
def one_and_leave() -> None:
    """The only task."""
    leave(1)


@task
def hold(number: int) -> None:
    """Load pandas and hold still until the file `go` appears."""
    asked = conf()
    if number >= asked["count"]:
        return
    import pandas as pd

    frame = pd.DataFrame({"number": range(100)})
    folder = Path(asked["folder"])
    (folder / f"holds-{number}.txt").write_text(str(len(frame)))
    while not (folder / "go").exists():
        time.sleep(0.05)


@dag(dag_id="chain", schedule=None, catchup=False)
def chain() -> None:
    """Ten tasks that hand one number along."""
    number = first()
    for _ in range(8):
        number = add(number, 1)
    add_and_leave(number)


@dag(dag_id="fan", schedule=None, catchup=False)
def fan() -> None:
    """One task feeds twenty, and one gathers them."""
    base = first()
    sum_and_leave([add(base, more) for more in range(20)])


@dag(dag_id="one", schedule=None, catchup=False)
def one() -> None:
    """One task."""
    one_and_leave()


@dag(dag_id="hold", schedule=None, catchup=False)
def holders() -> None:
    """As many tasks that hold still as the run's `conf` says, five at most."""
    for number in range(5):
        hold(number)


chain()
fan()
one()
holders()
