package board

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

const (
	defaultFlowDepth, maxFlowDepth       = 10, 20
	defaultFlowChildren, maxFlowChildren = 20, 1000
	// maxFlowNodes bounds how many jobs of a flow are read for one answer.
	maxFlowNodes = 200
)

// flowAnswer is the tree that a job belongs to, null if it belongs to none.
type flowAnswer struct {
	NodeID     string    `json:"nodeId"`
	IsFlowNode bool      `json:"isFlowNode"`
	FlowRoot   *flowNode `json:"flowRoot"`
}

type flowNode struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	State        bullmq.JobState   `json:"state"`
	Progress     json.RawMessage   `json:"progress"`
	QueueName    string            `json:"queueName"`
	Children     []*flowNode       `json:"children"`
	Truncated    bool              `json:"truncated,omitempty"`
	Dependencies *flowDependencies `json:"dependencies,omitempty"`
	Ignored      map[string]string `json:"ignoredChildFailureReasons,omitempty"`
}

type flowDependencies struct {
	Processed   int `json:"processed"`
	Unprocessed int `json:"unprocessed"`
	Ignored     int `json:"ignored"`
	Failed      int `json:"failed"`
}

// flowWalk reads a tree level by level.
type flowWalk struct {
	board    *Board
	call     *call
	depth    int
	children int
	left     int
}

func (b *Board) jobFlow(c *call) (any, error) {
	query := c.request.URL.Query()
	w := &flowWalk{
		board: b, call: c, left: maxFlowNodes,
		depth:    clamped(query, "depth", defaultFlowDepth, maxFlowDepth),
		children: clamped(query, "maxChildren", defaultFlowChildren, maxFlowChildren),
	}
	if w.depth <= 2 {
		w.left = max(maxFlowNodes, w.children)
	}
	answer := flowAnswer{NodeID: c.job.ID}
	root := c.job
	if query.Get("root") != "node" {
		var err error
		if root, err = w.rootOf(c.job); err != nil || root == nil {
			return answer, err
		}
	}
	tree, err := w.read(root, 1)
	if err != nil {
		return nil, err
	}
	if len(tree.Children) > 0 {
		answer.IsFlowNode, answer.FlowRoot = true, tree
	}
	return answer, nil
}

// clamped reads a number between 1 and largest; anything else is the default.
func clamped(values url.Values, name string, byDefault, largest int) int {
	n, err := strconv.Atoi(values.Get(name))
	if err != nil || n < 1 {
		return byDefault
	}
	return min(n, largest)
}

// rootOf walks up to the job that has no parent, nil if a parent is gone or
// may not be seen.
func (w *flowWalk) rootOf(j *bullmq.Job) (*bullmq.Job, error) {
	for range maxFlowNodes {
		if j.Parent == nil {
			return j, nil
		}
		ref, ok := bullmq.ParseQueueRef(j.Parent.Queue)
		if !ok || !w.sees(ref) {
			return nil, nil
		}
		parent, err := w.board.opts.Redis.Job(w.call.ctx, ref, j.Parent.ID)
		if errors.Is(err, bullmq.ErrJobNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		j = parent
	}
	return nil, nil
}

func (w *flowWalk) sees(ref bullmq.QueueRef) bool {
	return ref.Prefix == w.board.opts.Prefix && w.call.principal.SeesQueue(ref.Name)
}

// read returns a job with its children, as deep and wide as the limits allow.
func (w *flowWalk) read(j *bullmq.Job, level int) (*flowNode, error) {
	ctx := w.call.ctx
	w.left--
	state, err := j.State(ctx)
	if err != nil {
		return nil, err
	}
	node := &flowNode{
		ID: j.ID, Name: j.Name, State: state, Progress: orElse(j.Progress, "0"), QueueName: j.Queue.Name, Children: []*flowNode{},
	}
	deps, err := j.Dependencies(ctx)
	if errors.Is(err, bullmq.ErrJobNotFound) {
		return node, nil
	}
	if err != nil {
		return nil, err
	}
	keys := node.count(deps)
	for i, key := range keys {
		if level >= w.depth || i >= w.children || w.left <= 0 {
			node.Truncated = true
			break
		}
		child, err := w.child(ctx, key)
		if err != nil {
			return nil, err
		}
		if child == nil {
			continue
		}
		sub, err := w.read(child, level+1)
		if err != nil {
			return nil, err
		}
		node.Children = append(node.Children, sub)
	}
	return node, nil
}

// count notes how far the children are and returns their keys in a stable order.
func (n *flowNode) count(deps *bullmq.Dependencies) []string {
	d := flowDependencies{len(deps.Processed), len(deps.Unprocessed), len(deps.Ignored), len(deps.Failed)}
	if d != (flowDependencies{}) {
		n.Dependencies = &d
	}
	if len(deps.Ignored) > 0 {
		n.Ignored = deps.Ignored
	}
	keys := slices.Collect(maps.Keys(deps.Processed))
	keys = append(keys, deps.Unprocessed...)
	keys = slices.AppendSeq(keys, maps.Keys(deps.Ignored))
	keys = append(keys, deps.Failed...)
	slices.Sort(keys)
	return slices.Compact(keys)
}

// child returns the job of a key, nil if it is gone or may not be seen.
func (w *flowWalk) child(ctx context.Context, key string) (*bullmq.Job, error) {
	rest, ok := strings.CutPrefix(key, w.board.opts.Prefix+":")
	if !ok {
		return nil, nil
	}
	// A queue name has no colon, an id of a scheduler's job has two.
	name, id, ok := strings.Cut(rest, ":")
	ref := bullmq.QueueRef{Prefix: w.board.opts.Prefix, Name: name}
	if !ok || !w.sees(ref) {
		return nil, nil
	}
	job, err := w.board.opts.Redis.Job(ctx, ref, id)
	if errors.Is(err, bullmq.ErrJobNotFound) {
		return nil, nil
	}
	return job, err
}
