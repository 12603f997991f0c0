package bullmq

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names scripts by it
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

// ErrNotReplicated says that a job was stored, but reached fewer replicas in
// time than RedisOptions.WaitReplicas asks for: it may be lost if the master
// fails now. Adding it again under the same id is safe.
var ErrNotReplicated = errors.New("not enough replicas have the job")

// replicatedScript is a script whose effect a caller relies on once it answers.
type replicatedScript struct{ sha, text string }

// replicatedScripts are those that take jobs over from producers. Losing what
// the others do makes a job run again, which at-least-once allows.
var replicatedScripts = map[*rueidis.Lua]replicatedScript{
	addJobsScript:         newReplicatedScript("add_jobs"),
	addFlowScript:         newReplicatedScript("add_flow"),
	upsertSchedulerScript: newReplicatedScript("upsert_scheduler"),
}

func newReplicatedScript(name string) replicatedScript {
	text := scriptText(name)
	sum := sha1.Sum([]byte(text)) //nolint:gosec // Redis names scripts by it
	return replicatedScript{hex.EncodeToString(sum[:]), text}
}

// send executes a script once and, where that is asked for, waits for replicas.
func (r *Redis) send(ctx context.Context, script *rueidis.Lua, keys, args []string) rueidis.RedisResult {
	if r.opts.WaitReplicas > 0 {
		if replicated, ok := replicatedScripts[script]; ok {
			return r.sendReplicated(ctx, replicated, keys, args)
		}
	}
	return script.Exec(ctx, r.client, keys, args)
}

// sendReplicated has WAIT follow the script on the same connection, for WAIT
// concerns the writes of its connection.
func (r *Redis) sendReplicated(ctx context.Context, script replicatedScript, keys, args []string) rueidis.RedisResult {
	ctx, cancel := context.WithTimeout(ctx, r.opts.CallTimeout+time.Second)
	defer cancel()
	b := r.client.B()
	// Half the time, so that the answer comes before the connection is given up.
	patience := r.opts.CallTimeout.Milliseconds() / 2
	wait := func() rueidis.Completed {
		return b.Wait().Numreplicas(int64(r.opts.WaitReplicas)).Timeout(patience).Build()
	}
	count := int64(len(keys))
	replies := r.client.DoMulti(ctx, b.Evalsha().Sha1(script.sha).Numkeys(count).Key(keys...).Arg(args...).Build(), wait())
	if refused, ok := rueidis.IsRedisErr(replies[0].Error()); ok && refused.IsNoScript() {
		replies = r.client.DoMulti(ctx, b.Eval().Script(script.text).Numkeys(count).Key(keys...).Arg(args...).Build(), wait())
	}
	if replies[0].Error() != nil {
		return replies[0]
	}
	reached, err := replies[1].AsInt64()
	if err == nil && reached < int64(r.opts.WaitReplicas) {
		err = fmt.Errorf("%w: %d of %d", ErrNotReplicated, reached, r.opts.WaitReplicas)
	}
	if err != nil {
		return rueidis.NewErrorResult(err)
	}
	return replies[0]
}
