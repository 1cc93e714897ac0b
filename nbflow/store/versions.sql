-- What a home keeps of the versions of its notebooks. The tables are made by `state.sql`.

-- name: add_module
INSERT INTO module (hash, source) VALUES (:hash, :source) ON CONFLICT DO NOTHING;

-- name: add_version_module
INSERT INTO version_module (dag_id, version, path, hash) VALUES (:dag_id, :version, :path, :hash)
ON CONFLICT DO UPDATE SET hash = :hash;

-- name: modules
SELECT path, source FROM version_module JOIN module USING (hash)
WHERE dag_id = :dag_id AND version = :version ORDER BY path;

-- name: versions
-- Of one DAG, first stored first, with the runs that ran it last.
SELECT version, created, coalesce(runs, 0) AS runs, latest FROM dag_version
LEFT JOIN (
    SELECT version, count(*) AS runs, max(logical_date) AS latest FROM run
    WHERE dag_id = :dag_id GROUP BY version
) USING (version)
WHERE dag_id = :dag_id ORDER BY created, dag_version.rowid;
