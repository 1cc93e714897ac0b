"""Listing: what is stored, without the values."""

from __future__ import annotations

from datetime import UTC
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from nbflow.model.run import RunKey, TaskKey
from nbflow.model.xcom import Form
from nbflow.store.sql import queries
from nbflow.store.xcom_rows import StoredXCom

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from nbflow.store.xcom_statements import Statements


def listed(
    cursor: DuckDBPyConnection,
    statements: Statements,
    *,
    dag_id: str,
    run_id: str | None,
    task_id: str | None,
    key: str | None,
    hidden: str | None,
) -> list[StoredXCom]:
    """Every stored value of the DAG, or of this run, task and key, by run, task and try.

    Three small questions, which DuckDB answers in a third of the time in which it plans the one that joins.

    Args:
        cursor: in a transaction, so that a commit between the questions doesn't show.
        statements: parsed before.
        dag_id: the DAG.
        run_id: the run, None for all.
        task_id: the task, None for all.
        key: the name handed on, None for all.
        hidden: how the keys begin that are left out; None for none.
    """
    sql = queries("xcom.sql")

    def ask(name: str, **parameters: object) -> list[tuple[Any, ...]]:
        return cursor.execute(statements.of(cursor, sql[name]), parameters).fetchall()

    rows = ask("listed_keys", dag_id=dag_id, task_id=task_id, key=key, hidden=hidden)
    names = {number: (of_task, name) for number, of_task, name in rows}
    rows = ask("listed_tries", dag_id=dag_id, run_id=run_id, task_id=task_id) if names else []
    if not rows:
        return []
    tries = {number: about for number, *about in rows}
    values = ask("listed_values", first=min(tries), last=max(tries), keys=list(names))
    found: list[tuple[tuple[Any, ...], StoredXCom]] = []
    for value_id, try_id, key_id, form, kind, size, preview in values:
        if try_id not in tries:
            continue  # its number lies between theirs, and it is of another run or DAG
        of_run, map_index, try_number, current, ds, committed = tries[try_id]
        of_task, name = names[key_id]
        stored = StoredXCom(
            task=TaskKey(RunKey(dag_id, of_run), of_task, map_index),
            try_number=try_number,
            current=current,
            ds=ds,
            key=name,
            form=Form(form),
            kind=kind,
            size=size,
            preview=preview,
            created=committed.replace(tzinfo=UTC),
        )
        found.append(((of_run, of_task, map_index, try_number, try_id, value_id), stored))
    found.sort(key=itemgetter(0))
    return [stored for _, stored in found]
