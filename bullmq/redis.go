package bullmq

import (
	"cmp"
	"context"
	"crypto/tls"
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
	// a silent server is noticed. Calls that a server refuses during a failover
	// are repeated for as long. Defaults to 10 s.
	CallTimeout time.Duration
	// TLS has the certificate authority, client certificate, and server name for a
	// rediss:// URL. Defaults to the system's authorities and the URL's hosts.
	TLS *tls.Config
	// SentinelUsername and SentinelPassword are for the sentinels, which do not
	// share the users of the servers they watch. Default to none.
	SentinelUsername string
	SentinelPassword string
	// WaitReplicas is how many replicas must have a job before adding it, or the
	// flow or scheduler it belongs to, succeeds; they have half of CallTimeout. See
	// [ErrNotReplicated]. Defaults to 0: the master's word is enough.
	WaitReplicas int
	// Logger receives warnings about the server's configuration. Defaults to [slog.Default].
	Logger *slog.Logger
	// Now tells the time that jobs are stamped and compared with. Defaults to [time.Now].
	Now func() time.Time
}

// Redis is the [Backend] for Redis 6.2 and later, and Valkey: one server, a
// master that Sentinel watches, or a cluster. It is safe for concurrent use; one
// for a process is enough.
type Redis struct {
	client  rueidis.Client
	cluster bool
	opts    RedisOptions
	adds    *addBatches
}

var _ Backend = (*Redis)(nil)

// OpenRedis connects to a server and fails if it does not answer. The URL is one of
//
//	redis://user:password@host:6379/0
//	unix://user:password@/run/redis.sock?db=0
//	redis://host1:26379,host2:26379/0?master_set=mymaster   Sentinel
//	redis://host1:7000,host2:7001                           Redis Cluster
//
// with rediss:// for TLS. A cluster is recognized by the server's answer, so one
// of its nodes is enough. In a cluster the prefix or name of every queue needs
// a hash tag, as in "{bull}"; operations on others fail with a [*SlotError].
func OpenRedis(ctx context.Context, url string, opts *RedisOptions) (*Redis, error) {
	r := &Redis{}
	r.adds = newAddBatches(r)
	if opts != nil {
		r.opts = *opts
	}
	option, err := redisClientOption(url, &r.opts)
	if err != nil {
		return nil, err
	}
	r.opts.CallTimeout = option.ConnWriteTimeout
	r.opts.Logger = cmp.Or(r.opts.Logger, slog.Default())
	if r.opts.Now == nil {
		r.opts.Now = time.Now
	}
	if r.client, err = rueidis.NewClient(option); err != nil {
		return nil, fmt.Errorf("redis: connect: %w", err)
	}
	r.cluster = r.client.Mode() == rueidis.ClientModeCluster
	// A cluster has answered already, and goes on when one of its nodes is gone.
	if !r.cluster {
		if err := r.client.Do(ctx, r.client.B().Ping().Build()).Error(); err != nil {
			r.client.Close()
			return nil, fmt.Errorf("redis: %w", err)
		}
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

// warnEviction says so when a server, or a replica that may take its place,
// may drop keys, for then jobs can vanish.
func (r *Redis) warnEviction(ctx context.Context) {
	for addr, node := range r.nodes() {
		policy, err := node.Do(ctx, node.B().ConfigGet().Parameter("maxmemory-policy").Build()).AsStrMap()
		if err != nil {
			continue // Hosted servers often refuse CONFIG.
		}
		if p := policy["maxmemory-policy"]; p != "" && p != "noeviction" {
			r.opts.Logger.WarnContext(ctx, "redis may evict jobs: maxmemory-policy should be noeviction",
				slog.String("policy", p), slog.String("node", addr))
		}
	}
}

func (r *Redis) now() string { return formatMillis(r.opts.Now()) }

// run executes a script on the keys of one queue.
func (r *Redis) run(ctx context.Context, script *rueidis.Lua, q QueueRef, args ...string) rueidis.RedisResult {
	if err := r.CheckQueue(q); err != nil {
		return rueidis.NewErrorResult(err)
	}
	return r.exec(ctx, script, []string{q.keyPrefix()}, args)
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

func formatInt[T int | int64](n T) string { return strconv.FormatInt(int64(n), 10) }

func flag(set bool) string {
	if set {
		return "1"
	}
	return ""
}
