-- What people's SQL needs beside the XComs: of DuckDB what there is to ask, of state.sqlite the tables
-- `runs` and `task_instances`.

-- name: no_progress
-- This and what follows up to `operator_memory`: for one connection that people's SQL runs on.
SET enable_progress_bar = false;

-- name: in_utc
SET TimeZone = 'UTC';

-- name: operator_memory
-- Sorts and hash tables go to disk before they take everything.
SET operator_memory_limit = '{memory}';

-- name: room_on_disk
-- Of all connections together, for what doesn't fit into memory.
SET GLOBAL max_temp_directory_size = '{bytes}B';

-- name: threads
SET GLOBAL threads = {threads};

-- name: begin
BEGIN TRANSACTION READ ONLY;

-- name: memory_limit
-- Of all connections together: a number, a space and a unit.
SELECT current_setting('memory_limit');

-- name: syntax_tree
SELECT json_serialize_sql($sql::VARCHAR);

-- name: reserved
SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved';

-- name: views
-- Every view people can query, with its columns in order.
SELECT schema_name, table_name, column_name, data_type
FROM duckdb_columns()
WHERE database_name = current_database() AND NOT internal AND schema_name != 'nbflow'
ORDER BY schema_name, table_name, column_index;

-- name: short_views
-- Views called by what is handed on alone, and those that say the same with their task's name.
SELECT v.schema_name, v.view_name, k.view_name
FROM nbflow.key k JOIN duckdb_views() v ON v.schema_name = k.schema_name AND v.view_name = k.key
WHERE v.database_name = current_database() AND NOT v.internal AND NOT EXISTS (
    SELECT 1 FROM nbflow.key o WHERE o.schema_name = k.schema_name AND lower(o.view_name) = lower(k.key)
);

-- name: dates
-- How many dates each view shows, and the first and the last of them.
SELECT k.schema_name, k.view_name, count(DISTINCT t.ds), min(t.ds), max(t.ds)
FROM nbflow.value v JOIN nbflow.try t ON t.id = v.try_id JOIN nbflow.key k ON k.id = v.key_id
WHERE t.is_current
GROUP BY ALL;

-- name: runs
-- Of state.sqlite.
SELECT r.dag_id, r.run_id, r.logical_date, d.timezone, r.interval_start, r.interval_end, r.run_type, r.state,
    r.variant, r.params, r.reason, r.created, r.started, r.ended
FROM run r JOIN dag d USING (dag_id)
ORDER BY r.dag_id, r.logical_date, r.variant;

-- name: task_instances
-- Of state.sqlite.
SELECT i.dag_id, i.run_id, r.logical_date, d.timezone, i.task_id, i.map_index, i.label, i.state, i.try_number,
    i.max_tries, i.reason, i.started, i.ended
FROM task_instance i JOIN run r USING (dag_id, run_id) JOIN dag d USING (dag_id)
ORDER BY i.dag_id, r.logical_date, r.variant, i.rowid;
