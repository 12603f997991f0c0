-- +goose Up
CREATE TABLE flows (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    definition TEXT NOT NULL,
    parameters TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX flows_by_name ON flows (name, id);

CREATE TABLE flow_runs (
    id          TEXT PRIMARY KEY,
    flow_id     TEXT NOT NULL REFERENCES flows (id) ON DELETE CASCADE,
    flow_name   TEXT NOT NULL,
    root_queue  TEXT NOT NULL,
    root_job_id TEXT NOT NULL,
    tree        TEXT NOT NULL,
    parameters  TEXT NOT NULL,
    created_by  TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX flow_runs_of_flow ON flow_runs (flow_id, created_at, id);

-- +goose Down
DROP TABLE flow_runs;
DROP TABLE flows;
