-- How a home stands as a whole, for `nbflow status`.

-- name: owner
SELECT pid, host, what, since, heartbeat FROM owner WHERE id = 1;

-- name: unfinished_tasks
-- What runs under way still have to do: how many task instances are in each state, by why.
SELECT task_instance.state, task_instance.reason, count(*) AS count
FROM run JOIN task_instance USING (dag_id, run_id)
WHERE run.state IN ('queued', 'running')
    AND task_instance.state NOT IN ('success', 'failed', 'skipped', 'upstream_failed', 'removed')
GROUP BY task_instance.state, task_instance.reason
ORDER BY count DESC, task_instance.state, task_instance.reason;

-- name: unfinished_runs
-- Runs that are not over, by state and why they don't go on.
SELECT state, reason, count(*) AS count FROM run WHERE state IN ('queued', 'running')
GROUP BY state, reason ORDER BY count DESC, state, reason;

-- name: oldest_waiting
-- Since when a run that the schedule has made is due and has not begun; those of paused DAGs wait for a person.
SELECT min(due) FROM run JOIN dag USING (dag_id)
WHERE run.state = 'queued' AND run_type = 'scheduled' AND started IS NULL AND NOT paused;
