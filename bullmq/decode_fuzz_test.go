package bullmq

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func FuzzDecodeJob(f *testing.F) {
	for _, seed := range [][2]string{
		{"name", "x"},
		{"data", `{"a":1}`},
		{"data", "\xff"},
		{"opts", `{"attempts":3}`},
		{"opts", `[]`},
		{"opts", `{"repeat":{"every":1}}`},
		{"timestamp", "1700000000000"},
		{"timestamp", "1.5"},
		{"timestamp", "NaN"},
		{"delay", "-1"},
		{"delay", "1e15"},
		{"priority", "inf"},
		{"progress", "50"},
		{"progress", "{"},
		{"returnvalue", `"x"`},
		{"stacktrace", `["a"]`},
		{"stacktrace", `[1]`},
		{"attemptsMade", "2"},
		{"atm", "0x10"},
		{"ats", "1e300"},
		{"stc", ""},
		{"parent", `{"id":"1","queueKey":"bull:q"}`},
		{"parent", `{"id":1}`},
		{"parentKey", ":"},
		{"processedOn", "x"},
		{"finishedOn", "-0"},
		{"defa", "reason"},
		{"rjk", "a:b"},
		{"deid", "\n"},
		{"unheard", "of"},
	} {
		f.Add(seed[0], seed[1], "timestamp", "1")
	}
	f.Fuzz(func(t *testing.T, name, value, otherName, otherValue string) {
		hash := map[string]string{name: value, otherName: otherValue}
		job := decodeJobMap(nil, QueueRef{"p", "q"}, "1", hash)
		job.checkData()
		for field, text := range map[string]json.RawMessage{"data": job.Data, "progress": job.Progress, "returnvalue": job.ReturnValue} {
			require.True(t, len(text) == 0 || json.Valid(text), "%s: %q", field, text)
		}
		require.NotEmpty(t, job.Data)
		_, err := json.Marshal(job.Opts)
		require.NoError(t, err)

		pairs := replyOf(t, []any{name, value, otherName, otherValue})
		fields, err := pairs.ToArray()
		require.NoError(t, err)
		same := decodeJob(nil, QueueRef{"p", "q"}, "1", fields)
		same.checkData()
		if name != otherName {
			require.Equal(t, job.decodeErr == nil, same.decodeErr == nil)
			require.Equal(t, job.Name, same.Name)
			require.Equal(t, job.Opts, same.Opts)
			require.Equal(t, job.Timestamp, same.Timestamp)
		}
	})
}

func FuzzDecodeScheduler(f *testing.F) {
	for _, seed := range [][2]string{
		{"every", "1000"},
		{"every", "nan"},
		{"every", "-1"},
		{"pattern", "* * * * *"},
		{"tz", "Nowhere"},
		{"limit", "x"},
		{"limit", "1e300"},
		{"startDate", "1700000000000"},
		{"endDate", "inf"},
		{"offset", "1.5"},
		{"ic", "7"},
		{"ic", ""},
		{"data", `{"a":1}`},
		{"data", "{"},
		{"opts", `{"attempts":3}`},
		{"opts", "null"},
		{"name", ""},
	} {
		f.Add(1.7e12, seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, next float64, name, value string) {
		s := decodeScheduler("tick", next, map[string]string{name: value})
		require.Equal(t, "tick", s.ID)
		require.True(t, json.Valid(s.Data), "%q", s.Data)
		_, err := json.Marshal(s.Opts)
		require.NoError(t, err)
		_, err = json.Marshal(s.Repeat)
		require.NoError(t, err)
	})
}

func FuzzDecodeMeta(f *testing.F) {
	for _, seed := range [][2]string{{"concurrency", "5"}, {"concurrency", "x"}, {"max", "-1"}, {"duration", "1e300"}, {"duration", "99999999999999999"}, {"paused", ""}, {"version", "bullmq:5"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		meta := decodeMeta(map[string]string{name: value})
		require.True(t, meta.Exists)
		require.Equal(t, name == "paused", meta.Paused)
	})
}

func FuzzWorkerConn(f *testing.F) {
	queue := base64.StdEncoding.EncodeToString([]byte("mail"))
	for _, seed := range []string{
		"id=7 addr=127.0.0.1:50000 name=bull:" + queue + " age=5", "id=7 addr=/tmp/x name=bull:" + queue + ":w:me age=x", "name=bull:", "name=bull:%%%",
		"name=bull:" + queue + ":qe", "name=bull:" + queue + ":w:", "= =", "id=1 id=2 name", "name=bull:" + queue + " age=99999999999999999999",
	} {
		f.Add(seed, "bull")
	}
	f.Fuzz(func(t *testing.T, line, prefix string) {
		conn, ok := parseWorkerConn(line, prefix)
		if !ok {
			require.Zero(t, conn)
			return
		}
		require.NotEmpty(t, conn.Queue)
		require.Contains(t, line, prefix+":")
		require.True(t, strings.HasSuffix(line, conn.Name) || strings.Contains(line, conn.Name))
	})
}

func FuzzParseQueueRef(f *testing.F) {
	for _, seed := range []string{"bull:mail", "a:b:c", "{bull}:q", ":", "a:", ":b", "", "no colon", "\x00:\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, ok := ParseQueueRef(text)
		if !ok {
			require.Zero(t, q)
			return
		}
		require.Equal(t, text, q.String())
		require.NoError(t, validateQueueName(q.Name))
		require.True(t, strings.HasPrefix(q.JobKey("1"), text+":"))
	})
}

func FuzzEvents(f *testing.F) {
	for _, seed := range [][3]string{
		{"1700000000000-0", "completed", `{"a":1}`},
		{"1700000000000-18446744073709551615", "failed", "reason"},
		{"", "completed", ""},
		{"x", "progress", "{"},
		{"99999999999999999999999-1", "completed", "not JSON"},
		{"-1", "", "\xff"},
		{"18446744073709551615-1", "stalled", ""},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, id, kind, value string) {
		q := QueueRef{"p", "q"}
		fields := map[string]string{"event": kind, "jobId": "1", "returnvalue": value, "failedReason": value}
		event := Event{ID: id, Queue: q, Type: EventType(kind), JobID: "1", Fields: fields}
		events := []Event{event, {ID: "1-1"}, event}
		sortEvents(events)
		require.Len(t, events, 3)
		e := &QueueEvents{waiters: map[string][]chan Event{"1": {make(chan Event, 1)}}}
		e.notify(event)
		e.notify(event) // a waiter that has been told is not told again
		if _, err := eventResult(event); event.Type == EventFailed {
			require.Error(t, err)
		}
		_ = event.Time().Format(time.RFC3339)
	})
}
