-- The tables of state.sqlite and every statement that reads or writes them.
-- Times are ISO 8601 text in UTC with microseconds, so that they sort as text.

-- name: create_1
-- Schema version 1.
CREATE TABLE dag (
    dag_id     TEXT PRIMARY KEY,
    path       TEXT NOT NULL,               -- absolute, of the notebook
    version    TEXT NOT NULL,               -- latest seen
    timezone   TEXT NOT NULL,
    paused     INTEGER NOT NULL DEFAULT 0,
    created    TEXT NOT NULL
) STRICT;
CREATE TABLE dag_version (
    dag_id     TEXT NOT NULL,
    version    TEXT NOT NULL,               -- sha256 of sources, tags and headings
    notebook   TEXT NOT NULL,               -- nbformat JSON without outputs
    created    TEXT NOT NULL,
    PRIMARY KEY (dag_id, version)
) STRICT;
CREATE TABLE run (
    dag_id     TEXT NOT NULL,
    run_id     TEXT NOT NULL,
    logical_date   TEXT NOT NULL,
    interval_start TEXT NOT NULL,
    interval_end   TEXT NOT NULL,
    due        TEXT NOT NULL,
    run_type   TEXT NOT NULL,
    state      TEXT NOT NULL,
    variant    TEXT NOT NULL,
    params     TEXT NOT NULL,               -- JSON object
    version    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    created    TEXT NOT NULL,
    started    TEXT,
    ended      TEXT,
    PRIMARY KEY (dag_id, run_id)
) STRICT;
CREATE INDEX run_by_date ON run (dag_id, logical_date);
CREATE INDEX run_success ON run (dag_id, logical_date) WHERE state = 'success' AND variant = '';
CREATE TABLE task_instance (
    dag_id     TEXT NOT NULL,
    run_id     TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    map_index  INTEGER NOT NULL,
    state      TEXT NOT NULL,
    try_number INTEGER NOT NULL,
    max_tries  INTEGER NOT NULL,
    losses     INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    code_hash  TEXT NOT NULL DEFAULT '',    -- of the latest try
    started    TEXT,                        -- of the latest try
    ended      TEXT,
    PRIMARY KEY (dag_id, run_id, task_id, map_index)
) STRICT;
CREATE TABLE try (
    dag_id     TEXT NOT NULL,
    run_id     TEXT NOT NULL,
    task_id    TEXT NOT NULL,
    map_index  INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    token      TEXT NOT NULL UNIQUE,
    result     TEXT,
    reason     TEXT NOT NULL DEFAULT '',
    error      TEXT,                        -- JSON: type, message, cell, cell_id, line
    process_group INTEGER,
    engine     TEXT NOT NULL DEFAULT '',
    code_hash  TEXT NOT NULL,
    version    TEXT NOT NULL,
    folder     TEXT NOT NULL,               -- relative to the home
    notes      TEXT NOT NULL DEFAULT '[]',  -- JSON array
    created    TEXT NOT NULL,
    started    TEXT,
    ended      TEXT,
    PRIMARY KEY (dag_id, run_id, task_id, map_index, try_number)
) STRICT;
CREATE TABLE transition (
    id         INTEGER PRIMARY KEY,
    at         TEXT NOT NULL,
    dag_id     TEXT NOT NULL,
    run_id     TEXT NOT NULL,
    task_id    TEXT,                        -- NULL: the run itself
    map_index  INTEGER NOT NULL,
    try_number INTEGER NOT NULL,
    old        TEXT NOT NULL,
    new        TEXT NOT NULL,
    reason     TEXT NOT NULL
) STRICT;
CREATE INDEX transition_by_run ON transition (dag_id, run_id);
CREATE TABLE command (                      -- what other processes ask the owner to do
    id         INTEGER PRIMARY KEY,
    at         TEXT NOT NULL,
    verb       TEXT NOT NULL,
    body       TEXT NOT NULL,               -- JSON object
    done_at    TEXT,
    answer     TEXT
) STRICT;
CREATE TABLE variable (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE connection (conn_id TEXT PRIMARY KEY, uri TEXT NOT NULL) STRICT;
CREATE TABLE pool (name TEXT PRIMARY KEY, slots INTEGER NOT NULL, description TEXT NOT NULL) STRICT;
CREATE TABLE owner (                        -- one row: who holds the home, for display and for the epoch
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    epoch      INTEGER NOT NULL,
    pid        INTEGER NOT NULL,
    host       TEXT NOT NULL,
    what       TEXT NOT NULL,
    since      TEXT NOT NULL,
    heartbeat  TEXT NOT NULL
) STRICT;

-- name: take_ownership
-- Raise the epoch: whoever held the home before can no longer write.
INSERT INTO owner (id, epoch, pid, host, what, since, heartbeat)
VALUES (1, 1, :pid, :host, :what, :at, :at)
ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1, pid = :pid, host = :host, what = :what, since = :at, heartbeat = :at
RETURNING epoch;

-- name: epoch
SELECT epoch FROM owner WHERE id = 1;

-- name: owner
SELECT pid, host, what, since FROM owner WHERE id = 1;

-- name: save_dag
INSERT INTO dag (dag_id, path, version, timezone, created)
VALUES (:dag_id, :path, :version, :timezone, :at)
ON CONFLICT (dag_id) DO UPDATE SET path = :path, version = :version, timezone = :timezone;

-- name: save_version
INSERT INTO dag_version (dag_id, version, notebook, created)
VALUES (:dag_id, :version, :notebook, :at)
ON CONFLICT DO NOTHING;

-- name: version
SELECT notebook FROM dag_version WHERE dag_id = :dag_id AND version = :version;

-- name: dags
SELECT dag_id, path, version, timezone, created FROM dag ORDER BY dag_id;

-- name: save_run
INSERT INTO run (dag_id, run_id, logical_date, interval_start, interval_end, due, run_type, state, variant,
                 params, version, reason, created)
VALUES (:dag_id, :run_id, :logical_date, :interval_start, :interval_end, :due, :run_type, 'queued', :variant,
        :params, :version, '', :at)
ON CONFLICT (dag_id, run_id) DO UPDATE SET version = :version;

-- name: run
SELECT * FROM run WHERE dag_id = :dag_id AND run_id = :run_id;

-- name: runs
-- Of one DAG, latest logical date first.
SELECT * FROM run WHERE dag_id = :dag_id ORDER BY logical_date DESC, variant LIMIT :most;

-- name: runs_between
SELECT * FROM run
WHERE dag_id = :dag_id AND logical_date BETWEEN :first AND :last
ORDER BY logical_date, variant;

-- name: previous_success
-- The latest run before a date that succeeded (variants apart).
SELECT interval_start, interval_end, due, logical_date FROM run
WHERE dag_id = :dag_id AND logical_date < :logical_date AND state = 'success' AND variant = ''
ORDER BY logical_date DESC LIMIT 1;

-- name: counts
-- How many runs each DAG has in each state.
SELECT dag_id, state, count(*) AS runs, max(logical_date) AS latest FROM run GROUP BY dag_id, state;

-- name: instances
SELECT * FROM task_instance WHERE dag_id = :dag_id AND run_id = :run_id ORDER BY rowid;

-- name: add_instance
INSERT INTO task_instance (dag_id, run_id, task_id, map_index, state, try_number, max_tries, losses, reason)
VALUES (:dag_id, :run_id, :task_id, :map_index, 'none', 0, :max_tries, 0, '')
ON CONFLICT DO NOTHING;

-- name: move_instance
-- A new try clears the times of the one before it.
UPDATE task_instance
SET state = :state, try_number = :try_number, max_tries = :max_tries, losses = :losses, reason = :reason,
    started = CASE :state WHEN 'queued' THEN NULL WHEN 'running' THEN :at ELSE started END,
    ended = CASE WHEN :state IN ('queued', 'running') THEN NULL
                 WHEN started IS NOT NULL AND :old = 'running' THEN :at ELSE ended END
WHERE dag_id = :dag_id AND run_id = :run_id AND task_id = :task_id AND map_index = :map_index;

-- name: move_run
UPDATE run
SET state = :state, reason = :reason,
    started = CASE :state WHEN 'running' THEN :at ELSE started END,
    ended = CASE WHEN :state IN ('success', 'failed') THEN :at ELSE NULL END
WHERE dag_id = :dag_id AND run_id = :run_id;

-- name: add_transition
INSERT INTO transition (at, dag_id, run_id, task_id, map_index, try_number, old, new, reason)
VALUES (:at, :dag_id, :run_id, :task_id, :map_index, :try_number, :old, :new, :reason);

-- name: transitions
SELECT at, task_id, map_index, try_number, old, new, reason FROM transition
WHERE dag_id = :dag_id AND run_id = :run_id ORDER BY id;

-- name: add_try
INSERT INTO try (dag_id, run_id, task_id, map_index, try_number, token, code_hash, version, folder, created)
VALUES (:dag_id, :run_id, :task_id, :map_index, :try_number, :token, :code_hash, :version, :folder, :at);

-- name: stamp_instance
UPDATE task_instance SET code_hash = :code_hash
WHERE dag_id = :dag_id AND run_id = :run_id AND task_id = :task_id AND map_index = :map_index;

-- name: start_try
UPDATE try SET started = :at, process_group = :process_group WHERE token = :token;

-- name: end_try
UPDATE try
SET result = :result, reason = :reason, error = :error, notes = :notes, engine = :engine,
    started = coalesce(started, :started), ended = :ended
WHERE token = :token;

-- name: tries
SELECT * FROM try
WHERE dag_id = :dag_id AND run_id = :run_id AND task_id = :task_id AND map_index = :map_index
ORDER BY try_number;

-- name: notes
-- What there is to say of a run's latest tries.
SELECT try.task_id, try.notes FROM try
JOIN task_instance USING (dag_id, run_id, task_id, map_index, try_number)
WHERE dag_id = :dag_id AND run_id = :run_id AND notes != '[]'
ORDER BY task_instance.rowid;

-- name: lose_open_tries
-- Tries that no outcome has ended: of a session that died.
UPDATE try SET result = 'lost', reason = :reason, ended = :at WHERE result IS NULL;
