-- What the board in a notebook shows: runs across, tasks down. The tables are made by `state.sql`.

-- name: runs
-- The latest runs of a DAG, latest first.
SELECT run_id, logical_date, variant, run_type, state, reason, started, ended, due FROM run
WHERE dag_id = :dag_id ORDER BY logical_date DESC, variant LIMIT :most;

-- name: some_runs
-- Runs of a DAG by their ids (a JSON array), oldest first.
SELECT run_id, logical_date, variant, run_type, state, reason, started, ended, due FROM run
WHERE dag_id = :dag_id AND run_id IN (SELECT value FROM json_each(:run_ids))
ORDER BY logical_date, variant DESC;

-- name: states
-- How many runs of a DAG are in each state.
SELECT state, count(*) FROM run WHERE dag_id = :dag_id GROUP BY state;

-- name: due_since
-- The latest ordinary run that was due in a stretch of time, inclusive and exclusive.
SELECT run_id, logical_date, variant, run_type, state, reason, started, ended, due FROM run
WHERE dag_id = :dag_id AND variant = '' AND due >= :first AND due < :last
ORDER BY logical_date DESC LIMIT 1;

-- name: squares
-- Tasks of runs (a JSON array of ids); of a mapped task itself, not its instances.
SELECT run_id, task_id, state, try_number, code_hash, started, ended FROM task_instance
WHERE dag_id = :dag_id AND run_id IN (SELECT value FROM json_each(:run_ids)) AND map_index = -1;

-- name: noted
-- How many notes there are about the latest tries of tasks of runs (a JSON array of ids).
SELECT run_id, task_id, sum(json_array_length(notes)) FROM try
JOIN task_instance USING (dag_id, run_id, task_id, map_index, try_number)
WHERE dag_id = :dag_id AND run_id IN (SELECT value FROM json_each(:run_ids)) AND notes != '[]'
GROUP BY run_id, task_id;

-- name: tasks_since
-- Tasks of a DAG that runs have, in order of their first appearance behind a row number. (With the plus SQLite begins
-- at that row.)
SELECT task_id, max(rowid) FROM task_instance
WHERE rowid > :seen AND +dag_id = :dag_id AND state != 'removed'
GROUP BY task_id ORDER BY min(rowid);

-- name: failures
-- The latest task instances that failed in runs which did not succeed, with where; a mapped task's instances
-- speak for it. (CROSS: the few runs first.)
SELECT run_id, logical_date, variant, task_id, map_index, task_instance.reason, try.error
FROM run
CROSS JOIN task_instance USING (dag_id, run_id)
LEFT JOIN try USING (dag_id, run_id, task_id, map_index, try_number)
WHERE run.dag_id = :dag_id AND run.state != 'success' AND task_instance.state = 'failed'
    AND coalesce(task_instance.items, 0) = 0
ORDER BY logical_date DESC, variant, task_instance.rowid LIMIT :most;

-- name: moved_since
-- The runs of a DAG in which something has moved. (The plus keeps SQLite from going through all moves of the DAG.)
SELECT DISTINCT run_id FROM transition WHERE id > :mark AND +dag_id = :dag_id;

-- name: over_dates
-- One task in the latest runs of a DAG, latest first; a mapped one as a whole.
SELECT run_id, logical_date, variant, task_instance.state, try_number, task_instance.started, task_instance.ended,
       folder
FROM run
JOIN task_instance USING (dag_id, run_id)
LEFT JOIN try USING (dag_id, run_id, task_id, map_index, try_number)
WHERE dag_id = :dag_id AND task_id = :task_id AND map_index = -1
ORDER BY logical_date DESC, variant LIMIT :most;
