package bullmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// RedisOptions are the choices of [OpenRedis]; nil or the zero value is fine.
type RedisOptions struct {
	// DialTimeout bounds the making of a connection. Defaults to 5 s.
	DialTimeout time.Duration
	// CallTimeout bounds every call that does not wait for jobs or events, so that
	// a silent server is noticed. Defaults to 10 s.
	CallTimeout time.Duration
	// Logger receives warnings about the server's configuration. Defaults to [slog.Default].
	Logger *slog.Logger
	// Now tells the time that jobs are stamped and compared with. Defaults to [time.Now].
	Now func() time.Time
}

// Redis is the [Backend] for Redis 6.2 and later, and Valkey. It is safe for
// concurrent use; one for a process is enough.
type Redis struct {
	client rueidis.Client
	opts   RedisOptions
	adds   *addBatches
}

var _ Backend = (*Redis)(nil)

// OpenRedis connects to a server: redis://, rediss:// or unix:// with user,
// password, and database, as in redis://user:secret@127.0.0.1:6379/0. It fails
// if the server does not answer.
func OpenRedis(ctx context.Context, url string, opts *RedisOptions) (*Redis, error) {
	r := &Redis{}
	r.adds = newAddBatches(r)
	if opts != nil {
		r.opts = *opts
	}
	r.opts.DialTimeout = cmp.Or(r.opts.DialTimeout, 5*time.Second)
	r.opts.CallTimeout = cmp.Or(r.opts.CallTimeout, 10*time.Second)
	r.opts.Logger = cmp.Or(r.opts.Logger, slog.Default())
	if r.opts.Now == nil {
		r.opts.Now = time.Now
	}
	option, err := rueidis.ParseURL(url)
	if err != nil {
		// The parser's own message would repeat the URL, and with it a password.
		return nil, errors.New("redis: the URL must look like redis://user:password@host:6379/0")
	}
	option.DisableCache = true
	option.Dialer.Timeout = r.opts.DialTimeout
	// A call that is cut off by a lost connection may have been carried out, so
	// nothing but reads is tried again by the client.
	option.ConnWriteTimeout = r.opts.CallTimeout
	if r.client, err = rueidis.NewClient(option); err != nil {
		return nil, fmt.Errorf("redis: connect: %w", err)
	}
	if err := r.client.Do(ctx, r.client.B().Ping().Build()).Error(); err != nil {
		r.client.Close()
		return nil, fmt.Errorf("redis: %w", err)
	}
	r.warnEviction(ctx)
	return r, nil
}

// Client returns the connection, for commands of the caller's own.
func (r *Redis) Client() rueidis.Client { return r.client }

// Close ends every connection.
func (r *Redis) Close() error {
	r.client.Close()
	r.adds.calls.Wait()
	return nil
}

// warnEviction says so when the server may drop keys, for then jobs can vanish.
func (r *Redis) warnEviction(ctx context.Context) {
	policy, err := r.client.Do(ctx, r.client.B().ConfigGet().Parameter("maxmemory-policy").Build()).AsStrMap()
	if err != nil {
		return // Hosted servers often refuse CONFIG.
	}
	if p := policy["maxmemory-policy"]; p != "" && p != "noeviction" {
		r.opts.Logger.WarnContext(ctx, "redis may evict jobs: maxmemory-policy should be noeviction", slog.String("policy", p))
	}
}

func (r *Redis) now() string { return formatMillis(r.opts.Now()) }

// run executes a script on the keys of one queue.
func (r *Redis) run(ctx context.Context, script *rueidis.Lua, q QueueRef, args ...string) rueidis.RedisResult {
	return script.Exec(ctx, r.client, []string{q.keyPrefix()}, args)
}

// runCode executes a script that replies with a result code.
func (r *Redis) runCode(ctx context.Context, script *rueidis.Lua, operation string, q QueueRef, id string, args ...string) (int64, error) {
	if err := checkJobID(q, id); err != nil {
		return 0, err
	}
	code, err := r.run(ctx, script, q, append([]string{id}, args...)...).AsInt64()
	if err != nil {
		return 0, fmt.Errorf("%s job %s: %w", operation, id, err)
	}
	return code, codeError(code, operation, id)
}

func formatMillis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func formatDuration(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func flag(set bool) string {
	if set {
		return "1"
	}
	return ""
}
