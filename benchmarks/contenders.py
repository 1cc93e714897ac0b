"""Who is compared: each tool's environment, script and what a reader must know of its figures."""

from __future__ import annotations

from dataclasses import dataclass

SHARED = ("chain", "fan", "dates", "cold", "cold-chain", "cold-fan", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One side of the comparison.

    Attributes:
        name: for `--only` and the JSON.
        title: for people.
        environment: which of `environments/*.txt`.
        package: the package whose version is named.
        script: which of `tools/*.py`.
        words: what is said to the script.
        remark: how it runs here, in a sentence or two.
        works: what it is compared at.
        not_done: name of one of these → why this tool doesn't do it.
    """

    name: str
    title: str
    environment: str
    package: str
    script: str
    words: tuple[str, ...] = ()
    remark: str
    works: tuple[str, ...] = SHARED
    not_done: tuple[tuple[str, str], ...] = ()


CONTENDERS = (
    Contender(
        name="nbflow",
        title="nbflow",
        environment="nbflow",
        package="nbflow",
        script="nbflow_run.py",
        remark="`nbflow run`; each task in a process of its own, states in SQLite, values in DuckDB, on disk.",
        works=(*SHARED, "flights"),
    ),
    Contender(
        name="nbflow-kernel",
        title="nbflow, `--kernel python3`",
        environment="nbflow",
        package="nbflow",
        script="nbflow_run.py",
        words=("--word=--kernel", "--word=python3"),
        remark="The same, each task in a Jupyter kernel of its own: to be read beside papermill's kernel per task.",
    ),
    Contender(
        name="papermill-one",
        title="papermill, one kernel",
        environment="papermill",
        package="papermill",
        script="papermill_one.py",
        remark="One notebook, a cell a task, one kernel a run: no isolation, no states, nothing parallel in a run.",
        not_done=(("memory", "one task at a time, all in one kernel"),),
    ),
    Contender(
        name="papermill-each",
        title="papermill, kernel per task",
        environment="papermill",
        package="papermill",
        script="papermill_each.py",
        remark="A notebook per task, values in files, written by hand; worker processes that have papermill loaded.",
    ),
    Contender(
        name="airflow-2",
        title="Airflow, parallelism 2",
        environment="airflow",
        package="apache-airflow",
        script="airflow_local.py",
        words=("--at-once", "2"),
        remark=(
            "LocalExecutor on SQLite (Airflow's own defaults), scheduler, dag processor and api server started"
            " before the clock; the whole command is `airflow dags test`, which needs none of them."
        ),
        not_done=(("memory", "two tasks at once; see parallelism 32"),),
    ),
    Contender(
        name="airflow-32",
        title="Airflow, parallelism 32",
        environment="airflow",
        package="apache-airflow",
        script="airflow_local.py",
        words=("--at-once", "32"),
        remark="The same with Airflow's default parallelism.",
        not_done=tuple((work, "as with parallelism 2") for work in ("cold", "cold-chain", "cold-fan")),
    ),
    Contender(
        name="prefect",
        title="Prefect",
        environment="prefect",
        package="prefect",
        script="prefect_flows.py",
        remark=(
            "A local server that the first flow starts (before the clock when warm, inside it in the whole command);"
            " tasks are functions in the flow's own process, or threads of it: no isolation."
        ),
    ),
    Contender(
        name="dagster-in-process",
        title="Dagster, in process",
        environment="dagster",
        package="dagster",
        script="dagster_jobs.py",
        words=("--word", "in_process"),
        remark="`in_process_executor`: tasks are functions in the run's own process: no isolation; SQLite and pickles.",
        not_done=(("memory", "one task at a time, all in one process"),),
    ),
    Contender(
        name="dagster-multiprocess",
        title="Dagster, multiprocess",
        environment="dagster",
        package="dagster",
        script="dagster_jobs.py",
        words=("--word", "multiprocess"),
        remark="`multiprocess_executor` with its default, a new process per task; many dates: 4 of the 30, as a rate.",
    ),
    Contender(
        name="ploomber",
        title="Ploomber",
        environment="ploomber",
        package="ploomber",
        script="ploomber_pipeline.py",
        remark="A pipeline of notebooks, a kernel per task, values as product files; many dates: 4 of 30, as a rate.",
    ),
    Contender(
        name="plain-python",
        title="plain Python",
        environment="nbflow",
        package="pandas",
        script="plain_python.py",
        remark="The flights' work as one script, the dates shared out to as many processes as processors: the limit.",
        works=("flights",),
    ),
)
