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

-- name: create_2
-- Schema version 2: sensors, branches, mapped tasks; why a DAG is paused and since when it starts.
ALTER TABLE task_instance ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;  -- of a sensor, since it was cleared
ALTER TABLE task_instance ADD COLUMN first_look TEXT;
ALTER TABLE task_instance ADD COLUMN follow TEXT;                       -- of a branch: JSON array of task ids
ALTER TABLE task_instance ADD COLUMN items INTEGER;                     -- of a mapped task that knows them
ALTER TABLE task_instance ADD COLUMN label TEXT NOT NULL DEFAULT '';    -- of a mapped task's instance
ALTER TABLE dag ADD COLUMN pause_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE dag ADD COLUMN start_date TEXT;                             -- pinned, where it was written relative
CREATE INDEX command_open ON command (id) WHERE done_at IS NULL;

-- name: create_3
-- Schema version 3: schedules and the version they run, modules, import errors; in whose environment runs run.
ALTER TABLE dag ADD COLUMN scheduled TEXT;      -- since when its schedule makes runs; NULL: it makes none
ALTER TABLE dag ADD COLUMN published TEXT;      -- the version that its schedule runs
ALTER TABLE dag ADD COLUMN follow INTEGER NOT NULL DEFAULT 0;       -- whether every sound save is published
ALTER TABLE dag ADD COLUMN options TEXT NOT NULL DEFAULT '{}';      -- JSON: options of %%dag, said from outside
ALTER TABLE dag ADD COLUMN environment TEXT NOT NULL DEFAULT '{}';  -- JSON: of who scheduled it
ALTER TABLE run ADD COLUMN environment TEXT NOT NULL DEFAULT '{}';  -- JSON: of who asked for it
ALTER TABLE run ADD COLUMN unattended INTEGER NOT NULL DEFAULT 0;   -- whether a scheduler goes on with it by itself
CREATE TABLE import_error (                 -- notebooks that can't be scheduled as they are
    path       TEXT PRIMARY KEY,
    dag_id     TEXT NOT NULL,               -- '' where it isn't known
    error      TEXT NOT NULL,
    at         TEXT NOT NULL
) STRICT;
CREATE TABLE module (                       -- sources of project-local modules, by content
    hash       TEXT PRIMARY KEY,
    source     TEXT NOT NULL
) STRICT;
CREATE TABLE version_module (               -- the modules a version imported when it was last stored
    dag_id     TEXT NOT NULL,
    version    TEXT NOT NULL,
    path       TEXT NOT NULL,               -- relative to the notebook's folder
    hash       TEXT NOT NULL,
    PRIMARY KEY (dag_id, version, path)
) STRICT;
CREATE INDEX run_unfinished ON run (state) WHERE state IN ('queued', 'running');
CREATE INDEX try_open ON try (token) WHERE result IS NULL;

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
-- Whether it is paused and since when it starts is decided once, when it is first seen.
INSERT INTO dag (dag_id, path, version, timezone, created, paused, pause_reason, start_date)
VALUES (:dag_id, :path, :version, :timezone, :at, :paused, :pause_reason, :start_date)
ON CONFLICT (dag_id) DO UPDATE SET path = :path, version = :version, timezone = :timezone;

-- name: save_version
INSERT INTO dag_version (dag_id, version, notebook, created)
VALUES (:dag_id, :version, :notebook, :at)
ON CONFLICT DO NOTHING;

-- name: version
SELECT notebook FROM dag_version WHERE dag_id = :dag_id AND version = :version;

-- name: dags
SELECT * FROM dag ORDER BY dag_id;

-- name: dag
SELECT * FROM dag WHERE dag_id = :dag_id;

-- name: pause_dag
UPDATE dag SET paused = :paused, pause_reason = :reason WHERE dag_id = :dag_id;

-- name: save_run
INSERT INTO run (dag_id, run_id, logical_date, interval_start, interval_end, due, run_type, state, variant,
                 params, version, reason, created, environment)
VALUES (:dag_id, :run_id, :logical_date, :interval_start, :interval_end, :due, :run_type, 'queued', :variant,
        :params, :version, '', :at, :environment)
ON CONFLICT (dag_id, run_id) DO UPDATE SET version = :version, environment = :environment;

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

-- name: prior_run
-- The latest scheduled or backfill run before a date (variants apart): what depends_on_past looks at.
SELECT * FROM run
WHERE dag_id = :dag_id AND logical_date < :logical_date AND variant = '' AND run_type IN ('scheduled', 'backfill')
ORDER BY logical_date DESC LIMIT 1;

-- name: failed_before
-- How many runs in a row have failed just before a date; runs that are not over don't break the row.
SELECT count(*) FROM run
WHERE dag_id = :dag_id AND logical_date < :logical_date AND variant = '' AND state = 'failed'
    AND logical_date > coalesce(
        (SELECT max(logical_date) FROM run
         WHERE dag_id = :dag_id AND logical_date < :logical_date AND variant = '' AND state = 'success'),
        '');

-- name: note_run
-- Say why a run that is not over doesn't go on; no move.
UPDATE run SET reason = :reason
WHERE dag_id = :dag_id AND run_id = :run_id AND state IN ('queued', 'running');

-- name: counts
-- How many runs each DAG has in each state.
SELECT dag_id, state, count(*) AS runs, max(logical_date) AS latest FROM run GROUP BY dag_id, state;

-- name: instances
-- In the order in which tasks were added (the notebook's), instances of a mapped task after it.
SELECT * FROM task_instance WHERE dag_id = :dag_id AND run_id = :run_id
ORDER BY min(rowid) OVER (PARTITION BY task_id), map_index;

-- name: add_instance
INSERT INTO task_instance (dag_id, run_id, task_id, map_index, state, try_number, max_tries, losses, reason)
VALUES (:dag_id, :run_id, :task_id, :map_index, 'none', 0, :max_tries, 0, '')
ON CONFLICT DO NOTHING;

-- name: expand_instance
-- An instance of a mapped task; one that was there before keeps its tries under its new label.
INSERT INTO task_instance (dag_id, run_id, task_id, map_index, state, try_number, max_tries, losses, reason, label)
VALUES (:dag_id, :run_id, :task_id, :map_index, 'none', 0, :max_tries, 0, '', :label)
ON CONFLICT DO UPDATE SET label = :label;

-- name: set_items
-- A mapped task knows how many items it has.
UPDATE task_instance SET items = :items
WHERE dag_id = :dag_id AND run_id = :run_id AND task_id = :task_id AND map_index = :map_index;

-- name: slots_taken
-- How many task instances of a DAG hold a place, by task.
SELECT dag_id, task_id, count(*) AS holding FROM task_instance
WHERE state IN ('queued', 'running', 'restarting') GROUP BY dag_id, task_id;

-- name: move_instance
-- A new try clears the times of the one before it.
UPDATE task_instance
SET state = :state, try_number = :try_number, max_tries = :max_tries, losses = :losses, reason = :reason,
    looks = :looks, first_look = :first_look, follow = :follow, items = :items, label = :label,
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
SELECT * FROM transition WHERE dag_id = :dag_id AND run_id = :run_id ORDER BY id;

-- name: last_transition
SELECT coalesce(max(id), 0) FROM transition;

-- name: transitions_after
-- Of all runs of the home, in order.
SELECT * FROM transition WHERE id > :id ORDER BY id;

-- name: add_try
INSERT INTO try (dag_id, run_id, task_id, map_index, try_number, token, code_hash, version, folder, created)
VALUES (:dag_id, :run_id, :task_id, :map_index, :try_number, :token, :code_hash, :version, :folder, :at);

-- name: look_again
-- A sensor's next look is the same try in a new process: the row tells of the latest look.
UPDATE try
SET token = :token, result = NULL, reason = '', error = NULL, process_group = NULL, engine = '',
    code_hash = :code_hash, version = :version, notes = '[]', started = NULL, ended = NULL
WHERE dag_id = :dag_id AND run_id = :run_id AND task_id = :task_id AND map_index = :map_index
    AND try_number = :try_number;

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
ORDER BY task_instance.rowid, try.map_index;

-- name: failed_instances
-- Of one DAG, with where their latest try went wrong; `first` and `last` are inclusive.
SELECT task_instance.*, try.error, run.logical_date, run.variant, run.state AS run_state
FROM task_instance
JOIN run USING (dag_id, run_id)
LEFT JOIN try USING (dag_id, run_id, task_id, map_index, try_number)
WHERE dag_id = :dag_id AND task_instance.state = 'failed' AND run.logical_date BETWEEN :first AND :last
ORDER BY run.logical_date, run.variant, task_instance.rowid;

-- name: add_command
INSERT INTO command (at, verb, body) VALUES (:at, :verb, :body) RETURNING id;

-- name: open_commands
SELECT id, at, verb, body FROM command WHERE done_at IS NULL ORDER BY id LIMIT :most;

-- name: answer_command
UPDATE command SET done_at = :at, answer = :answer WHERE id = :id AND done_at IS NULL;

-- name: answer
SELECT answer FROM command WHERE id = :id AND done_at IS NOT NULL;

-- name: pools
SELECT name, slots, description FROM pool ORDER BY name;

-- name: set_pool
INSERT INTO pool (name, slots, description) VALUES (:name, :slots, :description)
ON CONFLICT (name) DO UPDATE SET slots = :slots, description = :description;

-- name: delete_pool
DELETE FROM pool WHERE name = :name;

-- name: variables
SELECT key, value FROM variable ORDER BY key;

-- name: set_variable
INSERT INTO variable (key, value) VALUES (:key, :value) ON CONFLICT (key) DO UPDATE SET value = :value;

-- name: delete_variable
DELETE FROM variable WHERE key = :key;

-- name: connections
SELECT conn_id, uri FROM connection ORDER BY conn_id;

-- name: set_connection
INSERT INTO connection (conn_id, uri) VALUES (:conn_id, :uri) ON CONFLICT (conn_id) DO UPDATE SET uri = :uri;

-- name: delete_connection
DELETE FROM connection WHERE conn_id = :conn_id;

-- name: put_on_schedule
-- Its schedule makes runs from now on; one that did already goes on.
UPDATE dag SET scheduled = coalesce(scheduled, :at), follow = :follow, options = :options, environment = :environment
WHERE dag_id = :dag_id;

-- name: take_off_schedule
UPDATE dag SET scheduled = NULL, follow = 0 WHERE dag_id = :dag_id;

-- name: publish
UPDATE dag SET published = :version WHERE dag_id = :dag_id;

-- name: scheduled_dags
SELECT * FROM dag WHERE scheduled IS NOT NULL ORDER BY dag_id;

-- name: last_scheduled
-- The latest interval that the schedule has made a run for, of those due by now: what a clock that went wrong
-- made ahead of time doesn't count.
SELECT logical_date, interval_start, interval_end, due FROM run
WHERE dag_id = :dag_id AND run_type = 'scheduled' AND variant = '' AND due <= :now
ORDER BY logical_date DESC LIMIT 1;

-- name: unfinished_runs
-- Runs that a scheduler had begun or taken on, and that are not over.
SELECT * FROM run WHERE state IN ('queued', 'running') AND unattended ORDER BY logical_date, dag_id, variant;

-- name: adopt_run
UPDATE run SET unattended = 1 WHERE dag_id = :dag_id AND run_id = :run_id;

-- name: open_tries
SELECT * FROM try WHERE result IS NULL;

-- name: lose_try
UPDATE try SET result = 'lost', reason = :reason, ended = :at WHERE token = :token;

-- name: set_import_error
INSERT INTO import_error (path, dag_id, error, at) VALUES (:path, :dag_id, :error, :at)
ON CONFLICT (path) DO UPDATE SET dag_id = :dag_id, error = :error, at = CASE error WHEN :error THEN at ELSE :at END;

-- name: drop_import_error
DELETE FROM import_error WHERE path = :path;

-- name: import_errors
SELECT * FROM import_error ORDER BY path;

-- name: beat
UPDATE owner SET heartbeat = :at WHERE id = 1;

-- name: renew_run
UPDATE run SET version = :version WHERE dag_id = :dag_id AND run_id = :run_id;

-- name: latest_successes
-- Where tries lie that succeeded within the latest moves.
SELECT try.folder FROM transition
JOIN try USING (dag_id, run_id, task_id, map_index, try_number)
WHERE transition.id > (SELECT max(id) FROM transition) - :moves AND transition.new = 'success';

-- name: latest_ends
-- The runs that ended within the latest moves, and are over.
SELECT DISTINCT run.* FROM transition
JOIN run USING (dag_id, run_id)
WHERE transition.id > (SELECT max(id) FROM transition) - :moves AND transition.task_id IS NULL
    AND transition.new IN ('success', 'failed') AND run.state = transition.new;
