-- What is old enough to go, and its removal. Runs are named by the JSON array :runs of [dag_id, run_id].

-- name: old_runs
-- Runs that ended before a moment, oldest first, but for those that something still looks at. Of each DAG: the latest run
-- (an ordinary one, where there is one), the latest success, and the latest that its schedule has made, which its
-- next one follows. Of each run that is not over: the one before it, which depends_on_past looks at.
WITH ranked AS (
    SELECT *,
        row_number() OVER (PARTITION BY dag_id ORDER BY variant != '', logical_date DESC) AS of_dag,
        row_number() OVER (PARTITION BY dag_id, state ORDER BY variant != '', logical_date DESC) AS of_state,
        row_number() OVER (PARTITION BY dag_id, run_type, due > :now ORDER BY variant != '', logical_date DESC)
            AS of_type
    FROM run
),
before_unfinished AS (
    SELECT dag_id, (
        SELECT max(prior.logical_date) FROM run AS prior
        WHERE prior.dag_id = run.dag_id AND prior.logical_date < run.logical_date
            AND prior.variant = '' AND prior.run_type IN ('scheduled', 'backfill')
    ) AS logical_date
    FROM run WHERE state IN ('queued', 'running')
)
SELECT ranked.dag_id, ranked.run_id, ranked.logical_date, ranked.variant, ranked.ended,
    coalesce(dag.timezone, 'UTC') AS timezone
FROM ranked LEFT JOIN dag USING (dag_id)
WHERE ranked.state IN ('success', 'failed') AND ranked.ended < :before
    AND of_dag > 1
    AND NOT (ranked.state = 'success' AND of_state = 1)
    AND NOT (ranked.run_type = 'scheduled' AND of_type = 1)
    AND (ranked.dag_id, ranked.logical_date) NOT IN (
        SELECT dag_id, logical_date FROM before_unfinished WHERE logical_date IS NOT NULL
    )
ORDER BY ranked.ended, ranked.dag_id, ranked.run_id;

-- name: finished
-- Those of the runs that are over; the others have been cleared since, or are gone.
SELECT dag_id, run_id FROM run
WHERE state IN ('success', 'failed')
    AND (dag_id, run_id) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:runs));

-- name: folders
-- Where the runs' tries lie, relative to the home.
SELECT DISTINCT folder FROM try
WHERE (dag_id, run_id) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:runs));

-- name: delete_transitions
-- But for the latest of all: the numbers after it have not been given, and nobody may get one twice.
DELETE FROM transition
WHERE (dag_id, run_id) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:runs))
    AND id < (SELECT max(id) FROM transition);

-- name: delete_tries
DELETE FROM try WHERE (dag_id, run_id) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:runs));

-- name: delete_instances
DELETE FROM task_instance WHERE (dag_id, run_id) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:runs));

-- name: delete_runs
DELETE FROM run WHERE (dag_id, run_id) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:runs));

-- name: delete_commands
-- What was answered before a moment; the latest of all keeps its number, as above.
DELETE FROM command WHERE done_at < :before AND id < (SELECT max(id) FROM command);

-- name: delete_versions
-- Of notebooks, stored before a moment: those that nothing has run, will run or shows any more.
DELETE FROM dag_version
WHERE created < :before
    AND NOT EXISTS (
        SELECT 1 FROM dag WHERE dag.dag_id = dag_version.dag_id AND dag_version.version IN (dag.version, dag.published)
    )
    AND NOT EXISTS (SELECT 1 FROM run WHERE run.dag_id = dag_version.dag_id AND run.version = dag_version.version)
    AND (dag_id, version) NOT IN (SELECT dag_id, version FROM try);

-- name: delete_version_modules
DELETE FROM version_module WHERE (dag_id, version) NOT IN (SELECT dag_id, version FROM dag_version);

-- name: delete_modules
DELETE FROM module WHERE hash NOT IN (SELECT hash FROM version_module);

-- name: try_folders
-- Where all tries lie, relative to the home.
SELECT DISTINCT folder FROM try;
