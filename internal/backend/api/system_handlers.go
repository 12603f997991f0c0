package api

import (
	"cmp"
	"context"
	"runtime"
	"strconv"
	"strings"
)

func (s *service) stats(ctx context.Context, _ *struct{}) (*statsOutput, error) {
	names, err := s.visibleQueues(ctx)
	if err != nil {
		return nil, err
	}
	queues, err := s.describe(ctx, names)
	if err != nil {
		return nil, err
	}
	out := &statsOutput{Stats{Queues: len(queues), PerQueue: make([]QueueStats, len(queues))}}
	for i, q := range queues {
		out.Body.PerQueue[i] = QueueStats{Name: q.Name, Paused: q.Paused, Workers: q.Workers, Counts: q.Counts}
		out.Body.Jobs.add(q.Counts)
		out.Body.Workers += q.Workers
		if q.Paused {
			out.Body.PausedQueues++
		}
	}
	return out, nil
}

func (c *JobCounts) add(o JobCounts) {
	c.Waiting += o.Waiting
	c.Active += o.Active
	c.Delayed += o.Delayed
	c.Prioritized += o.Prioritized
	c.WaitingChildren += o.WaitingChildren
	c.Completed += o.Completed
	c.Failed += o.Failed
}

func (s *service) system(ctx context.Context, _ *struct{}) (*systemOutput, error) {
	info, err := s.redisInfo(ctx)
	if err != nil {
		return nil, err
	}
	version, err := s.opts.Store.Version(ctx)
	if err != nil {
		return nil, err
	}
	return &systemOutput{System{
		Version: s.opts.Version, GoVersion: runtime.Version(), StartedAt: s.opts.StartedAt.UnixMilli(),
		Now: s.opts.Now().UnixMilli(), Prefix: s.opts.Prefix, Redis: info,
		SQL:    SQLInfo{Dialect: string(s.opts.Store.Dialect()), Version: version},
		Limits: ServerLimits{BodyBytes: s.opts.BodyLimit, BulkJobs: maxBulk},
	}}, nil
}

func (s *service) redisInfo(ctx context.Context) (RedisInfo, error) {
	client := s.opts.Redis.Client()
	text, err := client.Do(ctx, client.B().Info().Build()).ToString()
	if err != nil {
		return RedisInfo{}, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[name] = value
		}
	}
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(fields[name], 10, 64) // what a server does not tell is 0
		return n
	}
	out := RedisInfo{
		Server: "redis", Version: fields["redis_version"], Mode: cmp.Or(fields["redis_mode"], fields["server_mode"]),
		UptimeSeconds: number("uptime_in_seconds"), UsedMemory: number("used_memory"), MaxMemory: number("maxmemory"),
		ConnectedClients: number("connected_clients"),
	}
	if v := fields["valkey_version"]; v != "" {
		out.Server, out.Version = "valkey", v
	}
	return out, nil
}
