package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"
)

// Flow is a tree of jobs that can be run again and again.
type Flow struct {
	bun.BaseModel `bun:"table:flows"`

	ID         string `bun:",pk"`
	Name       string
	Definition json.RawMessage `bun:"type:text"`
	Parameters json.RawMessage `bun:"type:text"`
	CreatedBy  string
	CreatedAt  int64
	UpdatedAt  int64
}

// FlowRun is one run of a flow.
type FlowRun struct {
	bun.BaseModel `bun:"table:flow_runs"`

	ID        string `bun:",pk"`
	FlowID    string
	FlowName  string
	RootQueue string
	RootJobID string
	// Tree names the jobs of the run and how they hang together.
	Tree       json.RawMessage `bun:"type:text"`
	Parameters json.RawMessage `bun:"type:text"`
	CreatedBy  string
	CreatedAt  int64
}

// CreateFlow adds a flow.
func (db *DB) CreateFlow(ctx context.Context, f *Flow) error {
	_, err := db.write.NewInsert().Model(f).Exec(ctx)
	return wrap("create flow", err)
}

// UpdateFlow replaces a flow's name, definition and parameters. It returns
// [ErrNotFound] if there is none of its id.
func (db *DB) UpdateFlow(ctx context.Context, f *Flow) error {
	res, err := db.write.NewUpdate().Model(f).Column("name", "definition", "parameters", "updated_at").WherePK().Exec(ctx)
	return oneRow("update flow", res, err)
}

// Flow returns the flow of this id, or [ErrNotFound].
func (db *DB) Flow(ctx context.Context, id string) (*Flow, error) {
	f := new(Flow)
	err := db.read.NewSelect().Model(f).Where("id = ?", id).Scan(ctx)
	return f, wrap("read flow", err)
}

// Flows returns all flows by name, as far as limit.
func (db *DB) Flows(ctx context.Context, limit int64) ([]Flow, error) {
	var flows []Flow
	err := db.read.NewSelect().Model(&flows).Order("name", "id").Limit(limit).Scan(ctx)
	return flows, wrap("list flows", err)
}

// DeleteFlow removes a flow and the record of its runs. It returns [ErrNotFound]
// if there is none of this id.
func (db *DB) DeleteFlow(ctx context.Context, id string) error {
	res, err := db.write.NewDelete().Model((*Flow)(nil)).Where("id = ?", id).Exec(ctx)
	return oneRow("delete flow", res, err)
}

// CreateFlowRun adds a run.
func (db *DB) CreateFlowRun(ctx context.Context, r *FlowRun) error {
	_, err := db.write.NewInsert().Model(r).Exec(ctx)
	return wrap("create flow run", err)
}

// FlowRun returns the run of this id, or [ErrNotFound].
func (db *DB) FlowRun(ctx context.Context, id string) (*FlowRun, error) {
	r := new(FlowRun)
	err := db.read.NewSelect().Model(r).Where("id = ?", id).Scan(ctx)
	return r, wrap("read flow run", err)
}

// DeleteFlowRun removes the record of a run.
func (db *DB) DeleteFlowRun(ctx context.Context, id string) error {
	res, err := db.write.NewDelete().Model((*FlowRun)(nil)).Where("id = ?", id).Exec(ctx)
	return oneRow("delete flow run", res, err)
}

// FlowRuns returns up to limit runs of a flow from offset on, newest first, and
// how many there are in all.
func (db *DB) FlowRuns(ctx context.Context, flowID string, offset, limit int64) ([]FlowRun, int64, error) {
	var runs []FlowRun
	n, err := db.read.NewSelect().Model(&runs).Where("flow_id = ?", flowID).
		Order("created_at DESC", "id DESC").Offset(offset).Limit(limit).ScanAndCount(ctx)
	return runs, n, wrap("list flow runs", err)
}
