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
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// PublisherOptions are the choices of a [Publisher]; nil or the zero value is fine.
type PublisherOptions struct {
	// TTL is how long an entry outlives its worker. Defaults to 15 s.
	TTL time.Duration
	// Interval is how often the entry is renewed. Defaults to a third of TTL.
	Interval time.Duration
	// Ordered is called when the worker is asked to do something else than before;
	// see [Reader.Order]. It must not block. Nil leaves orders unread.
	Ordered func(Orders)
	// Published is called when the entry has been written for the first time. Nil
	// calls nothing.
	Published func()
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

	// Used by Run alone: the handlers as they stand in Redis, and the orders that
	// were handed on last.
	written []byte
	orders  Orders
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
	failing, published := false, p.opts.Published
	var listener sync.WaitGroup
	defer listener.Wait()
	if p.opts.Ordered != nil {
		id := p.snapshot().ID
		listener.Go(func() { p.listen(ctx, id) })
	}
	for {
		err := p.publish(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			p.opts.Logger.WarnContext(ctx, "publishing the worker's catalogue failed", slog.Any("error", err))
		}
		failing = err != nil
		if published != nil && err == nil {
			published()
			published = nil
		}
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
	kept, err := p.send(ctx, w.ID,
		b.Pexpire().Key(p.keys.handlers(w.ID)).Milliseconds(p.opts.TTL.Milliseconds()).Build(),
		b.Set().Key(p.keys.worker(w.ID)).Value(rueidis.BinaryString(entry)).Px(p.opts.TTL).Build(),
		p.indexCommand(w),
	)
	if err != nil {
		return false, err
	}
	return kept.AsBool()
}

func (p *Publisher) write(ctx context.Context, w Worker, entry, handlers []byte) error {
	b := p.client.B()
	expired := strconv.FormatInt(w.SeenAt.UnixMilli(), 10)
	_, err := p.send(ctx, w.ID,
		// Handlers first: whoever finds the entry finds them too.
		b.Set().Key(p.keys.handlers(w.ID)).Value(rueidis.BinaryString(handlers)).Px(p.opts.TTL).Build(),
		b.Set().Key(p.keys.worker(w.ID)).Value(rueidis.BinaryString(entry)).Px(p.opts.TTL).Build(),
		p.indexCommand(w),
		b.Zremrangebyscore().Key(p.keys.index()).Min("-inf").Max("("+expired).Build(),
	)
	return err
}

// send writes in one round trip, in which orders are read as well, and returns
// the reply to the first command.
func (p *Publisher) send(ctx context.Context, id string, commands ...rueidis.Completed) (rueidis.RedisResult, error) {
	b := p.client.B()
	n := len(commands)
	if p.opts.Ordered != nil {
		commands = append(commands,
			b.Get().Key(p.keys.orders(id)).Build(),
			b.Pexpire().Key(p.keys.orders(id)).Milliseconds(ordersTTL.Milliseconds()).Build())
	}
	replies := p.client.DoMulti(ctx, commands...)
	if err := firstError(replies[:n]); err != nil {
		return rueidis.RedisResult{}, err
	}
	if p.opts.Ordered != nil {
		p.obey(ctx, replies[n])
	}
	return replies[0], nil
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
		b.Del().Key(p.keys.worker(id), p.keys.handlers(id), p.keys.orders(id)).Build(),
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
