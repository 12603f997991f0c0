package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/test/conformance/dump"
)

// Outcome is all that a scenario gave and left.
type Outcome struct {
	Answers []Answer      `json:"answers"`
	Keys    dump.Keyspace `json:"keys"`
}

// Turn chooses the engine of a step.
type Turn func(step Step) Engine

// Always gives every step to one engine.
func Always(e Engine) Turn { return func(Step) Engine { return e } }

// Check looks at what the queues hold after a step.
type Check func(step Step, keys dump.Keyspace) error

// Run plays the scenario on keys that begin with prefix, reads what is left, and
// deletes it. There must be no such keys before. A nil check is not called.
func Run(ctx context.Context, client rueidis.Client, prefix string, s Scenario, turn Turn, check Check) (*Outcome, error) {
	out := &Outcome{}
	now := Start
	engines := map[Engine]bool{}
	var err error
	for i, step := range s.Steps {
		if step.At != nil {
			now = Start.Add(time.Duration(*step.At) * time.Millisecond)
		}
		var answer Answer
		step, err = resolve(ctx, client, prefix, step)
		switch {
		case errors.Is(err, errNobody):
			answer, err = Answer{Op: step.Op}, nil
		case err != nil:
		case step.Op == "redis":
			answer, err = command(ctx, client, prefix, step)
		default:
			e := turn(step)
			engines[e] = true
			answer, err = play(ctx, e, prefix, now, step)
		}
		if err == nil && check != nil {
			err = look(ctx, client, prefix, step, check)
		}
		if err != nil {
			err = fmt.Errorf("%s: step %d, %s: %w", s.Name, i, step.Op, err)
			break
		}
		out.Answers = append(out.Answers, answer)
	}
	for e := range engines {
		err = errors.Join(err, e.End(ctx, prefix))
	}
	if err == nil {
		out.Keys, err = dump.Read(ctx, client, prefix+":")
	}
	if err = errors.Join(err, remove(ctx, client, prefix)); err != nil {
		return nil, err
	}
	return out.normal(prefix)
}

func look(ctx context.Context, client rueidis.Client, prefix string, step Step, check Check) error {
	keys, err := dump.Read(ctx, client, prefix+":")
	if err != nil {
		return err
	}
	return check(step, keys)
}

func play(ctx context.Context, e Engine, prefix string, now time.Time, step Step) (Answer, error) {
	step.Args = bytes.ReplaceAll(step.Args, []byte("{prefix}"), []byte(prefix))
	result, err := e.Do(ctx, prefix, now, step)
	var refusal *Refusal
	switch {
	case errors.As(err, &refusal):
		return Answer{Op: step.Op, Error: refusal.Text}, nil
	case err != nil:
		return Answer{}, err
	}
	return Answer{Op: step.Op, Result: result}, nil
}

// command runs a command on Redis itself, for what no engine does: locks that
// end, damage, the keys of older versions. "{q}" stands for the queue's prefix.
func command(ctx context.Context, client rueidis.Client, prefix string, step Step) (Answer, error) {
	args, err := decodeArgs[struct{ Command []string }](step)
	if err != nil {
		return Answer{}, err
	}
	for i, arg := range args.Command {
		arg = string(bytes.ReplaceAll([]byte(arg), []byte("{q}"), []byte(prefix+":"+step.Queue+":")))
		args.Command[i] = arg
	}
	err = client.Do(ctx, client.B().Arbitrary(args.Command...).Build()).Error()
	if rueidis.IsRedisNil(err) {
		err = nil
	}
	return Answer{Op: step.Op}, err
}

func remove(ctx context.Context, client rueidis.Client, prefix string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	keys, err := dump.Keys(ctx, client, prefix+":")
	if err != nil || len(keys) == 0 {
		return err
	}
	return client.Do(ctx, client.B().Unlink().Key(keys...).Build()).Error()
}

// normal writes the prefix as "{prefix}" and leaves out who wrote the metadata,
// and the default of how many events are kept, which scripts write at various times.
func (o *Outcome) normal(prefix string) (*Outcome, error) {
	for i := range o.Answers {
		o.Answers[i].Result = normalResult(o.Answers[i])
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte(prefix+":"), []byte("{prefix}:"))
	var normal Outcome
	if err := json.Unmarshal(text, &normal); err != nil {
		return nil, err
	}
	for key, entry := range normal.Keys {
		if meta, ok := entry.Value.(map[string]any); ok && isMeta(key) {
			delete(meta, "version")
			if meta["opts.maxLenEvents"] == "10000" {
				delete(meta, "opts.maxLenEvents")
			}
			if len(meta) == 0 {
				delete(normal.Keys, key)
			}
		}
	}
	return &normal, nil
}
