package bullmq

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// exec executes a script. While the server answers that it did not carry the
// call out, as servers do during a failover or a move of slots, the call is
// repeated for as long as a call may take.
func (r *Redis) exec(ctx context.Context, script *rueidis.Lua, keys, args []string) rueidis.RedisResult {
	if r.cluster {
		// While a slot moves, a node with only some of its keys refuses a call that
		// names two of which one is not there; what else the script uses it cannot know.
		keys = append(slices.Clip(keys), keys[0]+"?")
	}
	for failures, deadline := 1, time.Now().Add(r.opts.CallTimeout); ; failures++ {
		reply := r.send(ctx, script, keys, args)
		if !notCarriedOut(reply.Error()) || time.Now().After(deadline) {
			return reply
		}
		sleep(ctx, retryDelay(failures))
		if ctx.Err() != nil {
			return reply
		}
	}
}

// refusals are how the answers begin that a server gives before a call, or a
// script's first write, has any effect, and that pass by themselves.
var refusals = []string{"READONLY ", "LOADING ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ", "NOREPLICAS "}

// notCarriedOut reports whether err is a server's word that it did nothing.
func notCarriedOut(err error) bool {
	if err == nil {
		return false
	}
	refused, ok := rueidis.IsRedisErr(err)
	if !ok {
		return false
	}
	text := refused.Error()
	// Redis 6.2 wraps the answer that a script met; the client drops ERR before it.
	if _, inner, wrapped := strings.Cut(text, ": -"); wrapped && strings.HasPrefix(text, "Error running script") {
		text = inner
	}
	for _, prefix := range refusals {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}
