package bullmq_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

func TestJobOptionsReadEveryFormOfBullMQ(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want bullmq.JobOptions
	}{
		"stored short names":        {`{"fpof":true,"kl":3}`, bullmq.JobOptions{FailParentOnFailure: true, KeepLogs: 3}},
		"number as fixed backoff":   {`{"backoff":250}`, bullmq.JobOptions{Backoff: &bullmq.Backoff{Type: "fixed", Delay: 250 * time.Millisecond}}},
		"true removes at once":      {`{"removeOnComplete":true}`, bullmq.JobOptions{RemoveOnComplete: bullmq.KeepNone()}},
		"false keeps all":           {`{"removeOnComplete":false}`, bullmq.JobOptions{RemoveOnComplete: bullmq.KeepAll()}},
		"age without a count":       {`{"removeOnFail":{"age":60}}`, bullmq.JobOptions{RemoveOnFail: bullmq.KeepFor(time.Minute)}},
		"fraction of a millisecond": {`{"delay":1.5}`, bullmq.JobOptions{Delay: 1500 * time.Microsecond}},
		"null is absent":            {`{"delay":null,"lifo":null}`, bullmq.JobOptions{}},
		"delay of many years":       {`{"delay":2306975897507}`, bullmq.JobOptions{Delay: 2306975897507 * time.Millisecond}},
		"unknown member is kept":    {`{"x":[1]}`, bullmq.JobOptions{Extra: map[string]json.RawMessage{"x": json.RawMessage(`[1]`)}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got bullmq.JobOptions
			require.NoError(t, json.Unmarshal([]byte(tt.text), &got))
			require.Empty(t, cmp.Diff(tt.want, got))
		})
	}
}

func TestJobOptionsSurviveTheirJSON(t *testing.T) {
	t.Parallel()
	duration := rapid.Custom(func(t *rapid.T) time.Duration {
		return time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "ms")) * time.Millisecond
	})
	keep := rapid.Custom(func(t *rapid.T) *bullmq.Keep {
		k := &bullmq.Keep{Count: rapid.IntRange(-1, 1e6).Draw(t, "count")}
		if rapid.Bool().Draw(t, "aged") {
			k.Age = time.Duration(rapid.Int64Range(1, 1e8).Draw(t, "age")) * time.Second
			k.Limit = rapid.IntRange(0, 5000).Draw(t, "limit")
		}
		return k
	})
	rapid.Check(t, func(t *rapid.T) {
		want := bullmq.JobOptions{
			ID: rapid.String().Draw(t, "id"), Delay: duration.Draw(t, "delay"),
			Priority: rapid.IntRange(0, bullmq.MaxPriority).Draw(t, "priority"), LIFO: rapid.Bool().Draw(t, "lifo"),
			Attempts: rapid.IntRange(0, 100).Draw(t, "attempts"), RemoveOnComplete: keep.Draw(t, "complete"),
			RemoveOnFail: keep.Draw(t, "fail"), KeepLogs: rapid.IntRange(0, 100).Draw(t, "logs"),
			FailParentOnFailure: rapid.Bool().Draw(t, "fpof"),
			Backoff:             &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: duration.Draw(t, "backoff")},
		}
		text, err := json.Marshal(want)
		require.NoError(t, err)
		var got bullmq.JobOptions
		require.NoError(t, json.Unmarshal(text, &got))
		require.Empty(t, cmp.Diff(want, got))
	})
}

func FuzzJobOptions(f *testing.F) {
	for _, seed := range []string{`{}`, `{"delay":1e3,"de":{"id":"x"}}`, `{"removeOnFail":{"age":1}}`, `{"repeat":{"every":5}}`, `[]`, `{"backoff":-1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var opts bullmq.JobOptions
		if json.Unmarshal(text, &opts) != nil {
			return
		}
		again, err := json.Marshal(opts)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(again, &opts), string(again))
	})
}
