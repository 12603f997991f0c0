package cron

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// question asks for the runs of a pattern after a time.
type question struct {
	Pattern string `json:"pattern"`
	TZ      string `json:"tz,omitempty"`
	From    int64  `json:"from"` // Unix milliseconds
	Runs    int    `json:"runs"`
}

// answer is what npm bullmq says. A run that is nil stands for "never".
type answer struct {
	Runs  []*int64 `json:"runs"`
	Error string   `json:"error"`
}

// askNode has the questions answered by one Node process per processor.
func askNode(t *testing.T, questions []question) []answer {
	t.Helper()
	if _, err := os.Stat("../../../node_modules/bullmq/package.json"); err != nil {
		t.Fatal("npm bullmq is not installed; run npm ci in the project's root")
	}
	answers := make([]answer, len(questions))
	processes := runtime.GOMAXPROCS(0)
	share := (len(questions) + processes - 1) / processes
	errs := make(chan error, processes)
	var group sync.WaitGroup
	for start := 0; start < len(questions); start += share {
		end := min(start+share, len(questions))
		group.Go(func() { errs <- judge(t, questions[start:end], answers[start:end]) })
	}
	group.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	return answers
}

// judge runs judge.mjs over the questions.
func judge(t *testing.T, questions []question, answers []answer) error {
	var input, errors bytes.Buffer
	lines := json.NewEncoder(&input)
	for _, q := range questions {
		if err := lines.Encode(q); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", "judge.mjs")
	cmd.Stdin, cmd.Stderr = &input, &errors
	output, err := cmd.Output()
	if err != nil {
		t.Logf("node wrote:\n%s", errors.Bytes())
		return err
	}
	decoder := json.NewDecoder(bufio.NewReader(bytes.NewReader(output)))
	for i := range answers {
		if err := decoder.Decode(&answers[i]); err != nil {
			return err
		}
	}
	return nil
}
