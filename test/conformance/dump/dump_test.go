package dump_test

import (
	"testing"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
	"github.com/jobrunner-dev/jobrunner/test/conformance/dump"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestReadShowsEveryKindOfKey(t *testing.T) {
	t.Parallel()
	option, err := rueidis.ParseURL(testenv.RedisURL(t))
	require.NoError(t, err)
	option.DisableCache = true
	client, err := rueidis.NewClient(option)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	prefix := testenv.Prefix(t) + ":"
	for _, command := range [][]string{
		{"SET", prefix + "text", "a", "PX", "29000"},
		{"RPUSH", prefix + "list", "b", "a"},
		{"SADD", prefix + "set", "b", "a"},
		{"ZADD", prefix + "zset", "2.5", "a", "1", "b"},
		{"HSET", prefix + "hash", "name", "x", "opts", `{"removeOnFail":{"count":0},"delay":0}`, "stacktrace", `["Error: x\n    at y"]`},
		{"XADD", prefix + "stream", "*", "event", "completed", "returnvalue", `{"a":1}`},
		{"HSET", prefix + "1:processed", "child", `[1]`},
	} {
		require.NoError(t, client.Do(t.Context(), client.B().Arbitrary(command...).Build()).Error())
	}
	keys, err := dump.Read(t.Context(), client, prefix)
	require.NoError(t, err)
	require.Equal(t, dump.Keyspace{
		"text": {Type: "string", TTL: "at most 30s", Value: "a"},
		"list": {Type: "list", Value: []any{"b", "a"}},
		"set":  {Type: "set", Value: []any{"a", "b"}},
		"zset": {Type: "zset", Value: []any{"b = 1.000", "a = 2.500"}},
		"hash": {Type: "hash", Value: map[string]any{
			"name": "x", "opts": map[string]any{"removeOnFail": true}, "stacktrace": []any{"Error: x"},
		}},
		"stream":      {Type: "stream", Value: []any{map[string]any{"event": "completed", "returnvalue": map[string]any{"a": 1.0}}}},
		"1:processed": {Type: "hash", Value: map[string]any{"child": []any{1.0}}},
	}, keys)
}

func TestTTLClassesAreWiderThanATestTakes(t *testing.T) {
	t.Parallel()
	for ms, want := range map[int64]string{-1: "", -2: "", 1: "at most 10s", 29_990: "at most 30s", 30_000: "at most 30s", 60_000: "at most 1m0s"} {
		require.Equal(t, want, dump.TTLClass(ms), ms)
	}
}
