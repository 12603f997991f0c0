package bullmq

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// replyOf makes a reply of Redis from what JSON would decode to. A number is an
// integer if it has no point.
func replyOf(t *testing.T, value any) rueidis.RedisMessage {
	t.Helper()
	var b bytes.Buffer
	b.Write(make([]byte, 7)) // the time to live of a cached reply
	writeReply(&b, value)
	var m rueidis.RedisMessage
	require.NoError(t, m.CacheUnmarshalView(b.Bytes()))
	return m
}

// writeReply writes the form in which the client keeps cached replies: a type, a
// length or number, and the content.
func writeReply(b *bytes.Buffer, value any) {
	head := func(kind byte, n int64) {
		b.WriteByte(kind)
		_ = binary.Write(b, binary.BigEndian, n)
	}
	switch v := value.(type) {
	case []any:
		head('*', int64(len(v)))
		for _, member := range v {
			writeReply(b, member)
		}
	case string:
		head('$', int64(len(v)))
		b.WriteString(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			head(':', n)
			return
		}
		head(',', int64(len(v)))
		b.WriteString(v.String())
	case map[string]any:
		head('%', int64(2*len(v)))
		for name, member := range v {
			writeReply(b, name)
			writeReply(b, member)
		}
	default:
		head('_', 0)
	}
}

func FuzzWorkReply(f *testing.F) {
	for _, seed := range []string{
		`[[0,-2],["1"],[["name","x","timestamp","1"]],0,"0",[]]`, `[[1,-12],[],[],500,"1.7e12",["gone"]]`, `[[0,0],["1","2"],[["name","x"],[]],0,"inf",[]]`,
		`[[],[],[],0,"0",[]]`, `[["0","-6"],["1"],[],0,"nan",[]]`, `[[0,0],["1"],[{"name":"x"}],-1,"1e300",[]]`, `[[0,0],[null],[[1,2,3]],0,"0",null]`,
		`[null,null,null,null,null,null]`, `[[0,0],"x","y","z",5,{}]`, `[[0,0],["1"],["name"],1.5,2.5,["a",["b"]]]`,
	} {
		f.Add([]byte(seed))
	}
	redis, err := OpenRedis(f.Context(), testenv.RedisURL(f), nil)
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, redis.Close()) })
	req := WorkRequest{Outcomes: []Outcome{{Kind: OutcomeCompleted, ID: "a"}, {Kind: OutcomeFailed, ID: "b"}}, Fetch: 2}
	f.Fuzz(func(t *testing.T, text []byte) {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		var value []any
		if dec.Decode(&value) != nil || len(value) != 6 || strings.Count(string(text), "[") > 50 {
			return
		}
		message := replyOf(t, value)
		parts, err := message.ToArray()
		require.NoError(t, err)
		reply, err := redis.decodeWork(t.Context(), QueueRef{"fuzz", "q"}, req, []int{1, 0}, parts, time.Now())
		if err != nil {
			return
		}
		require.Len(t, reply.Errors, 2)
		for _, job := range reply.Jobs {
			require.NotNil(t, job)
		}
	})
}
