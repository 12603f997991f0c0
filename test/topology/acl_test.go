package topology

import (
	"context"
	"errors"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// documentedRule returns the rule that docs/redis.md gives for a user.
func documentedRule(t *testing.T, user string) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/redis.md")
	require.NoError(t, err)
	for line := range strings.Lines(string(page)) {
		if rule, ok := strings.CutPrefix(line, "ACL SETUSER "+user+" "); ok {
			return strings.Fields(rule)
		}
	}
	t.Fatalf("docs/redis.md has no rule for %s", user)
	return nil
}

// openAs makes the documented user and connects as it.
func openAs(t *testing.T, server *testenv.RedisServer, user string) *bullmq.Redis {
	t.Helper()
	_, err := server.Do(append([]string{"ACL", "SETUSER", user}, documentedRule(t, user)...)...)
	require.NoError(t, err)
	address := &url.URL{Scheme: "redis", User: url.UserPassword(user, "password"), Host: server.Addr}
	return openRedis(t, address.String(), nil)
}

// requireNothingDenied checks that the server refused no command so far, but
// for those that are worth a try only: the client's telling of its version, the
// question for a cluster, and the look at the eviction policy.
func requireNothingDenied(t *testing.T, server *testenv.RedisServer) {
	t.Helper()
	admin := openRedis(t, server.URL, nil).Client()
	entries, err := admin.Do(t.Context(), admin.B().Arbitrary("ACL", "LOG").Build()).ToArray()
	require.NoError(t, err)
	for _, entry := range entries {
		fields, err := entry.AsStrMap()
		if err != nil {
			continue // Newer fields are numbers; what was refused is then below.
		}
		require.Contains(t, []string{"client|setinfo", "client", "cluster|slots", "cluster|shards", "cluster", "config|get", "config"}, fields["object"])
	}
}

func isDenied(err error) bool {
	return err != nil && strings.Contains(err.Error(), "NOPERM")
}

func addOfEveryKind(t *testing.T, r *bullmq.Redis, ref bullmq.QueueRef) (jobs int64) {
	t.Helper()
	q := newQueue(t, r, ref)
	require.NoError(t, q.Init(t.Context()))
	for _, opts := range []*bullmq.JobOptions{
		nil,
		{Priority: 3},
		{Delay: time.Millisecond},
		{LIFO: true},
		{ID: "own"},
		{ID: "own"},
		{Attempts: 2},
		{RemoveOnComplete: bullmq.KeepLast(100)},
	} {
		_, err := q.Add(t.Context(), "job", nil, opts)
		require.NoError(t, err)
	}
	_, err := q.AddBulk(t.Context(), []bullmq.BulkJob{{Name: "a"}, {Name: "b"}})
	require.NoError(t, err)
	_, err = bullmq.NewFlowProducer(r, &bullmq.FlowOptions{Prefix: ref.Prefix}).Add(t.Context(), bullmq.FlowJob{
		Name: "parent", Queue: ref.Name, Children: []bullmq.FlowJob{
			{Name: "child", Queue: ref.Name, Opts: &bullmq.JobOptions{FailParentOnFailure: true}}, {Name: "child", Queue: ref.Name},
		},
	})
	require.NoError(t, err)
	return 7 + 2 + 3
}

func TestProducerRights(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	r := openAs(t, server, "producer")
	addOfEveryKind(t, r, plainQueue)
	requireNothingDenied(t, server)

	_, err := newQueue(t, r, plainQueue).Jobs(t.Context(), bullmq.JobsQuery{State: bullmq.StateWaiting, End: -1})
	require.True(t, isDenied(err), "%v", err)
	_, err = newQueue(t, r, bullmq.QueueRef{Prefix: "other", Name: "q"}).Add(t.Context(), "job", nil, nil)
	require.True(t, isDenied(err), "%v", err)
}

func TestWorkerRights(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	r := openAs(t, server, "worker")
	first := true
	work(t, r, plainQueue, bullmq.WorkerOptions{Concurrency: 4, LockDuration: 500 * time.Millisecond, Hooks: quiet, StalledInterval: 20 * time.Millisecond, MaxStalledCount: 1000},
		func(ctx context.Context, job *bullmq.Job) (any, error) {
			if err := job.Log(ctx, "line"); err != nil {
				return nil, err
			}
			if err := job.UpdateProgress(ctx, 50); err != nil {
				return nil, err
			}
			if job.Opts.Attempts == 2 && first {
				first = false
				return nil, errors.New("once more")
			}
			return map[string]bool{"ok": true}, nil
		})
	jobs := addOfEveryKind(t, r, plainQueue)
	q := newQueue(t, r, plainQueue)
	waitCount(t, q, bullmq.StateCompleted, jobs)
	roundTrip(t, r, bullmq.QueueRef{Prefix: "bull", Name: "events"})
	addScheduler(t, r, plainQueue)
	require.NoError(t, q.Pause(t.Context()))
	require.NoError(t, q.Resume(t.Context()))
	_, err := q.Meta(t.Context())
	require.NoError(t, err)
	requireNothingDenied(t, server)

	_, err = bullmq.Queues(t.Context(), r, "")
	require.True(t, isDenied(err), "%v", err)
}

func TestOperatorRights(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	r := openAs(t, server, "operator")
	roundTrip(t, r, plainQueue)
	queues, err := bullmq.Queues(t.Context(), r, "")
	require.NoError(t, err)
	require.Equal(t, []string{"q"}, queues)
	workers, err := r.Workers(t.Context(), "bull")
	require.NoError(t, err)
	require.Len(t, workers, 1)
	requireNothingDenied(t, server)
}

func addScheduler(t *testing.T, r *bullmq.Redis, ref bullmq.QueueRef) {
	t.Helper()
	_, err := newQueue(t, r, ref).UpsertJobScheduler(t.Context(), "every", bullmq.RepeatOptions{Every: time.Hour}, bullmq.JobTemplate{})
	require.NoError(t, err)
}

// TestProducerRightsCoverTheScripts finds commands that the test of the rights
// happens not to meet.
func TestProducerRightsCoverTheScripts(t *testing.T) {
	t.Parallel()
	rule := documentedRule(t, "producer")
	for _, script := range []string{"add_jobs", "add_flow"} {
		for command := range scriptCommands(t, script, map[string]bool{}) {
			require.Contains(t, rule, "+"+strings.ToLower(command), "docs/redis.md must allow producers what %s.lua calls", script)
		}
	}
}

var (
	scriptCall = regexp.MustCompile(`redis\.p?call\(\s*'([A-Z]+)'`)
	scriptUse  = regexp.MustCompile(`(?m)^--@(?:use|lazy \w+) (.+)$`)
)

// scriptCommands returns the commands that a script and what it uses call.
func scriptCommands(t *testing.T, name string, commands map[string]bool) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../bullmq/scripts/" + name + ".lua")
	require.NoError(t, err)
	for _, match := range scriptCall.FindAllSubmatch(text, -1) {
		commands[string(match[1])] = true
	}
	for _, match := range scriptUse.FindAllSubmatch(text, -1) {
		for library := range strings.FieldsSeq(string(match[1])) {
			scriptCommands(t, "lib/"+library, commands)
		}
	}
	return commands
}
