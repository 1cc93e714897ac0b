-- The XCom store: what tasks handed on, by try. Bookkeeping lies in the schema nbflow; people read the
-- views, one per (DAG, task, key) and one for each name that only one task hands on, in a schema per DAG.
-- Identifiers in braces are made and quoted in xcom_view.py; values are always parameters.

-- name: version
SELECT version FROM nbflow.home;

-- name: write_version
UPDATE nbflow.home SET version = ?;

-- name: migrate_1
-- No keys and indexes: DuckDB checks them too eagerly for a delete and an insert in one transaction, and
-- scans of these tables take less than a millisecond.
CREATE SCHEMA nbflow;
CREATE TABLE nbflow.home (version INTEGER NOT NULL);
INSERT INTO nbflow.home VALUES (0);
CREATE SEQUENCE nbflow.ids;
-- One committed try. `is_current`: its values are the ones of its task instance.
CREATE TABLE nbflow.try (
    id BIGINT NOT NULL DEFAULT nextval('nbflow.ids'),
    dag_id VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    task_id VARCHAR NOT NULL,
    map_index INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    ds VARCHAR NOT NULL,
    token VARCHAR NOT NULL,
    committed TIMESTAMP NOT NULL, -- UTC
    is_current BOOLEAN NOT NULL
);
-- One name that a task hands on, and the view that shows it.
CREATE TABLE nbflow.key (
    id BIGINT NOT NULL DEFAULT nextval('nbflow.ids'),
    dag_id VARCHAR NOT NULL,
    task_id VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    schema_name VARCHAR NOT NULL,
    view_name VARCHAR NOT NULL,
    has_json BOOLEAN NOT NULL -- whether the view shows its JSON values
);
-- One value. JSON: its text. A frame in a native table: frame_id and its whole Arrow schema. Anything
-- else: chunks, with a signature if it is a pickle.
CREATE TABLE nbflow.value (
    id BIGINT NOT NULL DEFAULT nextval('nbflow.ids'),
    try_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL,
    form VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    size BIGINT NOT NULL,
    preview VARCHAR NOT NULL,
    wanted BOOLEAN NOT NULL,
    text VARCHAR,
    frame_id BIGINT,
    arrow_schema BLOB,
    signature BLOB
);
-- Files, in pieces: DuckDB silently cuts a BLOB of 4 GiB or more.
CREATE TABLE nbflow.chunk (value_id BIGINT NOT NULL, number INTEGER NOT NULL, content BLOB NOT NULL);
-- One native table, nbflow.frame_<id>: the rows of all frames of a key with the same columns.
CREATE TABLE nbflow.frame (
    id BIGINT NOT NULL DEFAULT nextval('nbflow.ids'),
    key_id BIGINT NOT NULL,
    arrow_schema BLOB NOT NULL -- without metadata: the frames' own is in nbflow.value
);

-- name: migrate_2
-- How many rows of the native table are the frame's; NULL for a value that has none there, or from before.
ALTER TABLE nbflow.value ADD COLUMN row_count BIGINT;

-- name: migrate_3
-- Rows of frames carry their run's columns themselves (migrate_3_frame), so that people's SQL joins nothing.
-- table_id: whose native table has the rows of this kind of frame; NULL: its own, nbflow.frame_<id>.
-- places: for each of its columns, which one of the table has it; NULL: 0, 1, …
ALTER TABLE nbflow.frame ADD COLUMN table_id BIGINT;
ALTER TABLE nbflow.frame ADD COLUMN places INTEGER[];
-- Compressed, reading one chunk means unpacking all those beside it.
ALTER TABLE nbflow.chunk RENAME TO compressed_chunk;
CREATE TABLE nbflow.chunk (
    value_id BIGINT NOT NULL, number INTEGER NOT NULL, content BLOB NOT NULL USING COMPRESSION uncompressed
);
INSERT INTO nbflow.chunk SELECT * FROM nbflow.compressed_chunk;
DROP TABLE nbflow.compressed_chunk;

-- name: frames
SELECT id FROM nbflow.frame ORDER BY id;

-- name: columns_of_table
DESCRIBE SELECT * FROM nbflow.{table};

-- name: migrate_3_frame
-- A native table of versions 1 and 2 (value_id, row_number, c0, …) as create_frame_table makes it.
-- {columns}: c0, … with their types.
ALTER TABLE nbflow.{table} RENAME TO {table}_old;
CREATE TABLE nbflow.{table} (
    value_id BIGINT, is_current BOOLEAN, ds VARCHAR, run_id VARCHAR, map_index INTEGER, try_number INTEGER,
    {columns}
);
INSERT INTO nbflow.{table}
SELECT v.id, t.is_current, t.ds, t.run_id, t.map_index, t.try_number, f.* EXCLUDE (value_id, row_number)
FROM nbflow.{table}_old f JOIN nbflow.value v ON v.id = f.value_id JOIN nbflow.try t ON t.id = v.try_id
ORDER BY f.value_id, f.row_number;
DROP TABLE nbflow.{table}_old;

-- name: take_numbers
SELECT nextval('nbflow.ids') FROM range($count);

-- name: keys
SELECT dag_id, task_id, key, id, schema_name, view_name, has_json FROM nbflow.key ORDER BY id;

-- name: keys_with_json
SELECT DISTINCT key_id FROM nbflow.value WHERE form = 'json' AND list_contains($keys, key_id);

-- name: tries_of_run
SELECT id, token, task_id, map_index, is_current FROM nbflow.try
WHERE dag_id = $dag_id AND run_id = $run_id ORDER BY id;

-- name: tries_of_runs
SELECT t.id FROM nbflow.try t
SEMI JOIN (SELECT unnest($dag_ids) AS dag_id, unnest($run_ids) AS run_id) r USING (dag_id, run_id);

-- name: delete_unused_frames
-- Kinds of frames that no value is of any more; never the youngest of a key, which its view shows.
DELETE FROM nbflow.frame f
WHERE NOT EXISTS (SELECT 1 FROM nbflow.value v WHERE v.frame_id = f.id)
    AND EXISTS (SELECT 1 FROM nbflow.frame n WHERE n.key_id = f.key_id AND n.id > f.id)
RETURNING f.key_id, coalesce(f.table_id, f.id);

-- name: used_columns
-- The columns of a native table that some kind of frame has; none for a table that none lies in.
SELECT DISTINCT unnest(coalesce(places, range(1000)::INTEGER[])) FROM nbflow.frame
WHERE coalesce(table_id, id) = $table_id;

-- name: drop_frame_table
DROP TABLE nbflow.{table};

-- name: drop_frame_column
ALTER TABLE nbflow.{table} DROP COLUMN {column};

-- name: tables_of_tries
-- The native tables that these tries' frames lie in.
SELECT DISTINCT coalesce(table_id, id) FROM nbflow.frame
WHERE id IN (SELECT frame_id FROM nbflow.value WHERE try_id IN (SELECT unnest($tries)));

-- name: delete_frame_rows
DELETE FROM nbflow.{table}
WHERE value_id IN (SELECT id FROM nbflow.value WHERE try_id IN (SELECT unnest($tries)));

-- name: delete_chunks
DELETE FROM nbflow.chunk
WHERE value_id IN (SELECT id FROM nbflow.value WHERE try_id IN (SELECT unnest($tries)));

-- name: delete_values
DELETE FROM nbflow.value WHERE try_id IN (SELECT unnest($tries));

-- name: delete_tries
DELETE FROM nbflow.try WHERE id IN (SELECT unnest($tries));

-- name: supersede
-- These tries are no longer the current ones of their task instances; their values stay, by try.
UPDATE nbflow.try SET is_current = false WHERE list_contains($tries, id);

-- name: supersede_frame_rows
UPDATE nbflow.{table} SET is_current = false
WHERE value_id IN (SELECT id FROM nbflow.value WHERE try_id IN (SELECT unnest($tries)));

-- name: add_key
INSERT INTO nbflow.key (id, dag_id, task_id, key, schema_name, view_name, has_json) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: mark_json
UPDATE nbflow.key SET has_json = true WHERE id = $key_id;

-- name: add_frame
INSERT INTO nbflow.frame (key_id, arrow_schema, table_id, places)
VALUES ($key_id, $arrow_schema, $table_id, $places) RETURNING id;

-- name: add_frame_column
ALTER TABLE nbflow.{table} ADD COLUMN {column};

-- name: source_columns
-- Names and types of the Arrow table registered as `source`: c0, c1, …
DESCRIBE SELECT * FROM source;

-- name: create_frame_table
-- The columns before {columns} say what each row is of, so that the view needs no join: one costs a query
-- more than most queries do. All rows of a frame have the same there, which takes next to no room.
-- Not AS SELECT … LIMIT 0: DuckDB 2.0 then shows none of 122,880 or more rows (a row group) that the same
-- transaction inserts, until the file is opened anew.
CREATE TABLE nbflow.{table} (
    value_id BIGINT, is_current BOOLEAN, ds VARCHAR, run_id VARCHAR, map_index INTEGER, try_number INTEGER,
    {columns}
);

-- name: add_frame_rows
INSERT INTO nbflow.{table} (value_id, is_current, ds, run_id, map_index, try_number, {columns})
SELECT $value_id::BIGINT, $is_current::BOOLEAN, $ds, $run_id, $map_index::INTEGER, $try_number::INTEGER, *
FROM source;

-- name: read_frame_rows
-- The frame's rows with their place in the table. They come in its order, though SQL doesn't promise it:
-- whoever reads has to look at rowid.
SELECT rowid, {columns} FROM nbflow.{table} WHERE value_id = $value_id;

-- name: read_frame_rows_sorted
SELECT rowid, {columns} FROM nbflow.{table} WHERE value_id = $value_id ORDER BY rowid;

-- name: frames_of_key
SELECT id, coalesce(table_id, id), arrow_schema, places FROM nbflow.frame WHERE key_id = $key_id ORDER BY id;

-- name: find_frame
SELECT coalesce(table_id, id), places FROM nbflow.frame WHERE id = $frame_id;

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS {schema};

-- name: create_view
CREATE OR REPLACE VIEW {schema}.{view} AS {parts};

-- name: drop_view
DROP VIEW IF EXISTS {schema}.{view};

-- name: view_frame_part
SELECT {run_columns}, {columns}
FROM nbflow.{table} r
WHERE r.is_current

-- name: view_json_part
SELECT {run_columns}, {columns}
FROM nbflow.value v JOIN nbflow.try r ON r.id = v.try_id
WHERE v.key_id = {key_id} AND v.form = 'json' AND r.is_current

-- name: find_key
SELECT id FROM nbflow.key WHERE dag_id = $dag_id AND task_id = $task_id AND key = $key;

-- name: find_tries
-- The current try of a task instance, or those with that number. Apart from `get`: DuckDB takes longer to plan
-- one statement that joins than to do all of them.
SELECT id, try_number FROM nbflow.try
WHERE run_id = $run_id AND dag_id = $dag_id AND task_id = $task_id AND map_index = $map_index
    AND CASE WHEN $try_number IS NULL THEN is_current ELSE try_number = $try_number END;

-- name: get
-- What these tries have under a key; the latest is for the reader to choose, which is quicker than ORDER BY.
SELECT try_id, id, form, kind, size, preview, wanted, text, frame_id, arrow_schema, row_count, signature
FROM nbflow.value
WHERE key_id = $key_id AND list_contains($tries, try_id);

-- name: pull
-- Current values of some tasks under one key, in the order the tasks were asked for. The run: the one
-- given; with $prior the latest up to it that has a value, task by task; without one the latest.
SELECT v.id, v.form, v.kind, v.size, v.preview, v.wanted, v.text, v.frame_id, v.arrow_schema, v.row_count,
    v.signature, t.try_number, t.map_index, t.run_id, k.dag_id, k.task_id, k.key
FROM nbflow.value v JOIN nbflow.try t ON t.id = v.try_id JOIN nbflow.key k ON k.id = v.key_id
WHERE t.is_current AND k.dag_id = $dag_id AND k.key = $key
    AND ($task_ids IS NULL OR list_contains($task_ids, k.task_id))
    AND ($map_indexes IS NULL OR list_contains($map_indexes, t.map_index))
    AND ($run_id IS NULL OR t.run_id = $run_id
        OR ($prior AND t.run_id < $run_id AND NOT contains(t.run_id, '~')))
QUALIFY t.run_id = max(t.run_id) OVER (PARTITION BY k.task_id)
ORDER BY list_position($task_ids, k.task_id), k.task_id, t.map_index;

-- name: listed_keys
-- The keys of a DAG, or of one of its tasks, that a listing shows. The three parts of a listing: see listed().
SELECT id, task_id, key FROM nbflow.key
WHERE dag_id = $dag_id
    AND ($task_id IS NULL OR task_id = $task_id)
    AND ($key IS NULL OR key = $key)
    AND ($hidden IS NULL OR NOT starts_with(key, $hidden));

-- name: listed_tries
SELECT id, run_id, map_index, try_number, is_current, ds, committed FROM nbflow.try
WHERE dag_id = $dag_id
    AND ($run_id IS NULL OR run_id = $run_id)
    AND ($task_id IS NULL OR task_id = $task_id);

-- name: listed_values
-- Values of the tries from one number to another, inclusive: a range leaves out most of the table unread.
SELECT id, try_id, key_id, form, kind, size, preview FROM nbflow.value
WHERE try_id BETWEEN $first AND $last AND list_contains($keys, key_id);

-- name: read_chunks
-- Some of a value's chunks: from one number to another, inclusive.
SELECT content FROM nbflow.chunk WHERE value_id = $value_id AND number BETWEEN $first AND $last ORDER BY number;
