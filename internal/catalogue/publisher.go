package catalogue

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// PublisherOptions are the choices of a [Publisher]; nil or the zero value is fine.
type PublisherOptions struct {
	// TTL is how long an entry outlives its worker. Defaults to 15 s.
	TTL time.Duration
	// Interval is how often the entry is renewed. Defaults to a third of TTL.
	Interval time.Duration
	// Logger is told of failed writes. Defaults to [slog.Default].
	Logger *slog.Logger
	// Now tells the time. Defaults to [time.Now].
	Now func() time.Time
}

func (o PublisherOptions) withDefaults() PublisherOptions {
	o.TTL = cmp.Or(o.TTL, 15*time.Second)
	o.Interval = cmp.Or(o.Interval, o.TTL/3)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Publisher keeps one worker's entry in Redis.
type Publisher struct {
	client   rueidis.Client
	keys     keys
	snapshot func() Worker
	opts     PublisherOptions
	changed  chan struct{}
	written  []byte // the handlers as they stand in Redis; used by Run alone
}

// NewPublisher returns a publisher for the workers of a queue prefix. It asks
// snapshot for the worker as it is whenever it writes; SeenAt is filled in.
func NewPublisher(client rueidis.Client, prefix string, snapshot func() Worker, opts *PublisherOptions) *Publisher {
	p := &Publisher{client: client, keys: newKeys(prefix), snapshot: snapshot, changed: make(chan struct{}, 1)}
	if opts != nil {
		p.opts = *opts
	}
	p.opts = p.opts.withDefaults()
	return p
}

// Changed has the entry written soon, for a change that readers should not wait for.
func (p *Publisher) Changed() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// Run publishes until ctx ends, then takes the entry away. A lost connection is
// logged once and outlived.
func (p *Publisher) Run(ctx context.Context) error {
	failing := false
	for {
		err := p.publish(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			p.opts.Logger.WarnContext(ctx, "publishing the worker's catalogue failed", slog.Any("error", err))
		}
		failing = err != nil
		// Jitter keeps workers that were started together from writing together.
		pause := p.opts.Interval - rand.N(p.opts.Interval/5+1) //nolint:gosec // nothing to guess
		select {
		case <-ctx.Done():
			return p.remove(context.WithoutCancel(ctx))
		case <-p.changed:
		case <-time.After(pause):
		}
	}
}

func (p *Publisher) publish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.opts.Interval)
	defer cancel()
	w := p.snapshot()
	w.SeenAt = p.opts.Now()
	entry, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("encode worker: %w", err)
	}
	handlers, err := json.Marshal(w.Handlers)
	if err != nil {
		return fmt.Errorf("encode handlers: %w", err)
	}
	if bytes.Equal(handlers, p.written) {
		kept, err := p.renew(ctx, w, entry)
		if err != nil || kept {
			return err
		}
	}
	p.written = nil
	if err := p.write(ctx, w, entry, handlers); err != nil {
		return err
	}
	p.written = handlers
	return nil
}

// renew writes the entry but for its handlers, and reports whether those were
// still there.
func (p *Publisher) renew(ctx context.Context, w Worker, entry []byte) (bool, error) {
	b := p.client.B()
	replies := p.client.DoMulti(ctx,
		b.Set().Key(p.keys.worker(w.ID)).Value(rueidis.BinaryString(entry)).Px(p.opts.TTL).Build(),
		b.Pexpire().Key(p.keys.handlers(w.ID)).Milliseconds(p.opts.TTL.Milliseconds()).Build(),
		p.indexCommand(w),
	)
	if err := firstError(replies); err != nil {
		return false, err
	}
	return replies[1].AsBool()
}

func (p *Publisher) write(ctx context.Context, w Worker, entry, handlers []byte) error {
	b := p.client.B()
	expired := strconv.FormatInt(w.SeenAt.UnixMilli(), 10)
	return firstError(p.client.DoMulti(ctx,
		// Handlers first: whoever finds the entry finds them too.
		b.Set().Key(p.keys.handlers(w.ID)).Value(rueidis.BinaryString(handlers)).Px(p.opts.TTL).Build(),
		b.Set().Key(p.keys.worker(w.ID)).Value(rueidis.BinaryString(entry)).Px(p.opts.TTL).Build(),
		p.indexCommand(w),
		b.Zremrangebyscore().Key(p.keys.index()).Min("-inf").Max("("+expired).Build(),
	))
}

func (p *Publisher) indexCommand(w Worker) rueidis.Completed {
	expires := w.SeenAt.Add(p.opts.TTL).UnixMilli()
	return p.client.B().Zadd().Key(p.keys.index()).ScoreMember().ScoreMember(float64(expires), w.ID).Build()
}

func (p *Publisher) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	id, b := p.snapshot().ID, p.client.B()
	err := firstError(p.client.DoMulti(ctx,
		b.Zrem().Key(p.keys.index()).Member(id).Build(),
		b.Del().Key(p.keys.worker(id), p.keys.handlers(id)).Build(),
	))
	if err != nil {
		return fmt.Errorf("remove worker %s from the catalogue: %w", id, err)
	}
	return nil
}

func firstError(replies []rueidis.RedisResult) error {
	errs := make([]error, 0, len(replies))
	for _, r := range replies {
		errs = append(errs, r.Error())
	}
	return errors.Join(errs...)
}
