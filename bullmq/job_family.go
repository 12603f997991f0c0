package bullmq

import (
	"context"
	"encoding/json"
)

// ChildrenValues returns the results of the job's completed children by their
// job keys, "<prefix>:<queue>:<id>".
func (j *Job) ChildrenValues(ctx context.Context) (map[string]json.RawMessage, error) {
	return j.backend.ChildrenValues(ctx, j.Queue, j.ID)
}

// IgnoredFailures returns the reasons of the job's children that failed without
// failing the job, by their job keys.
func (j *Job) IgnoredFailures(ctx context.Context) (map[string]string, error) {
	return j.backend.IgnoredFailures(ctx, j.Queue, j.ID)
}

// Dependencies returns the children of the job by how far they are.
func (j *Job) Dependencies(ctx context.Context) (*Dependencies, error) {
	return j.backend.Dependencies(ctx, j.Queue, j.ID, 0)
}

// DependencyCounts returns how many children of the job are how far.
func (j *Job) DependencyCounts(ctx context.Context) (DependencyCounts, error) {
	return j.backend.DependencyCounts(ctx, j.Queue, j.ID)
}

// RemoveUnprocessedChildren deletes the children that have not finished and are
// not being processed, with what is below them, so that the job can complete.
func (j *Job) RemoveUnprocessedChildren(ctx context.Context) error {
	return j.backend.RemoveUnprocessedChildren(ctx, j.Queue, j.ID)
}

// RemoveChildDependency parts the job from its parent, which no longer waits for
// it. It returns false if the parent did not.
func (j *Job) RemoveChildDependency(ctx context.Context) (bool, error) {
	if j.ParentKey == "" {
		return false, nil
	}
	removed, err := j.backend.RemoveChildDependency(ctx, j.Queue, j.ID, j.ParentKey)
	if removed {
		j.ParentKey, j.Parent = "", nil
	}
	return removed, err
}

// Dependencies are a parent's children, each named by its job key.
type Dependencies struct {
	// Processed holds the results of the children that completed.
	Processed map[string]json.RawMessage
	// Unprocessed are the children that have not finished.
	Unprocessed []string
	// Ignored holds the failure reasons of children whose failure does not stop the parent.
	Ignored map[string]string
	// Failed are the children whose failure fails the parent.
	Failed []string
}

// DependencyCounts are the numbers of a parent's children, as in [Dependencies].
type DependencyCounts struct {
	Processed, Unprocessed, Ignored, Failed int64
}
