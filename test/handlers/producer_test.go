package handlers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// producer is a Node process with npm bullmq, which adds jobs to a queue and
// waits for them. It is driven as test/interop/node/peer.mjs has it.
type producer struct {
	queue  map[string]string
	stdin  io.Writer
	answer *bufio.Scanner
	nextID int
}

// startProducer starts a producer for a queue, which ends with the test.
func startProducer(t *testing.T, redisURL, prefix, queue string) *producer {
	t.Helper()
	require.FileExists(t, "../../node_modules/bullmq/package.json", "run npm ci in the project's root")
	redis, err := url.Parse(redisURL)
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(redis.Host)
	require.NoError(t, err)

	cmd := exec.Command("node", "../interop/node/peer.mjs", host, port, "bullmq")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("node wrote:\n%s", stderr.String())
		}
	})
	p := &producer{queue: map[string]string{"name": queue, "prefix": prefix}, stdin: stdin, answer: bufio.NewScanner(stdout)}
	p.answer.Buffer(nil, 1<<20)
	p.ask(t, "follow", map[string]any{}, nil)
	return p
}

// ask calls a method of the producer and decodes its result, unless that is nil.
func (p *producer) ask(t *testing.T, method string, params map[string]any, result any) {
	t.Helper()
	p.nextID++
	params["queue"] = p.queue
	line, err := json.Marshal(map[string]any{"id": p.nextID, "method": method, "params": params})
	require.NoError(t, err)
	_, err = p.stdin.Write(append(line, '\n'))
	require.NoError(t, err)
	require.True(t, p.answer.Scan(), "node has ended")
	var answer struct {
		ID     int
		Result json.RawMessage
		Error  *struct{ Name, Message string }
	}
	require.NoError(t, json.Unmarshal(p.answer.Bytes(), &answer))
	require.Equal(t, p.nextID, answer.ID)
	require.Nil(t, answer.Error, "%s", method)
	if result != nil {
		require.NoError(t, json.Unmarshal(answer.Result, result))
	}
}

// newJob is a job for queue.addBulk.
type newJob struct {
	Name string         `json:"name"`
	Data any            `json:"data"`
	Opts map[string]any `json:"opts,omitempty"`
}

// nodeJob is what Node sees of a job.
type nodeJob struct {
	ID           string
	FailedReason string
	AttemptsMade int
	Progress     any
	Stacktrace   []string
}

func (p *producer) addBulk(t *testing.T, jobs []newJob) (ids []string) {
	t.Helper()
	var added []nodeJob
	p.ask(t, "queue", map[string]any{"method": "addBulk", "args": []any{jobs}}, &added)
	for _, job := range added {
		ids = append(ids, job.ID)
	}
	return ids
}

// addFlow adds a job with its children.
func (p *producer) addFlow(t *testing.T, parent newJob, children []newJob) (id string) {
	t.Helper()
	node := func(job newJob) map[string]any {
		return map[string]any{"name": job.Name, "queueName": p.queue["name"], "data": job.Data}
	}
	tree, below := node(parent), []any{}
	for _, child := range children {
		below = append(below, node(child))
	}
	tree["children"] = below
	var added struct{ Job nodeJob }
	p.ask(t, "flow", map[string]any{"prefix": p.queue["prefix"], "method": "add", "args": []any{tree}}, &added)
	return added.Job.ID
}

// outcome is what job.waitUntilFinished gives or throws.
type outcome struct {
	Value any
	Error string
}

func (p *producer) wait(t *testing.T, ids []string) (outcomes []outcome) {
	t.Helper()
	p.ask(t, "waitUntilFinished", map[string]any{"jobIds": ids, "ttl": patience.Milliseconds()}, &outcomes)
	return outcomes
}

// job reads a job and its log.
func (p *producer) job(t *testing.T, id string) (job nodeJob, logs []string) {
	t.Helper()
	p.ask(t, "queue", map[string]any{"method": "getJob", "args": []any{id}}, &job)
	var log struct{ Logs []string }
	p.ask(t, "queue", map[string]any{"method": "getJobLogs", "args": []any{id}}, &log)
	return job, log.Logs
}
