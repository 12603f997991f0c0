package board

import (
	"strconv"
	"strings"
)

// metricsAnswer says that no throughput is recorded for the queue.
type metricsAnswer struct {
	Completed *struct{} `json:"completed"`
	Failed    *struct{} `json:"failed"`
}

func noMetrics(*call) (any, error) { return metricsAnswer{}, nil }

// rateLimitAnswer says that the rate limit can't be changed here.
type rateLimitAnswer struct {
	Supported bool      `json:"supported"`
	RateLimit *struct{} `json:"rateLimit"`
}

func noRateLimit(*call) (any, error) { return rateLimitAnswer{}, nil }

// workerView is a connection that waits for jobs.
type workerView struct {
	ID   string  `json:"id"`
	Name *string `json:"name"`
	Addr string  `json:"addr"`
	// Age is in seconds.
	Age int64 `json:"age"`
}

func (b *Board) listWorkers(c *call) (any, error) {
	conns, err := b.opts.Redis.Workers(c.ctx, b.opts.Prefix)
	if err != nil {
		return nil, err
	}
	answer := struct {
		Workers []workerView `json:"workers"`
	}{Workers: []workerView{}}
	for i := range conns {
		w := &conns[i]
		if w.Queue != c.queue.Name() {
			continue
		}
		v := workerView{ID: w.ID, Addr: w.Addr, Age: int64(w.Age.Seconds())}
		if w.Name != "" {
			v.Name = &w.Name
		}
		answer.Workers = append(answer.Workers, v)
	}
	return answer, nil
}

// redisView is the server as the page shows it.
type redisView struct {
	Backend string       `json:"backend"`
	Version string       `json:"version"`
	Mode    string       `json:"mode,omitempty"`
	Port    int64        `json:"port"`
	OS      string       `json:"os,omitempty"`
	Uptime  int64        `json:"uptime"`
	Memory  redisMemory  `json:"memory"`
	Clients redisClients `json:"clients"`
}

type redisMemory struct {
	Total              int64   `json:"total"`
	Used               int64   `json:"used"`
	FragmentationRatio float64 `json:"fragmentationRatio"`
	Peak               int64   `json:"peak"`
}

type redisClients struct {
	Connected int64 `json:"connected"`
	Blocked   int64 `json:"blocked"`
}

func (b *Board) redisStats(c *call) (any, error) {
	client := b.opts.Redis.Client()
	text, err := client.Do(c.ctx, client.B().Info().Build()).ToString()
	if err != nil {
		return nil, unavailable(err)
	}
	info := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	number := func(name string) int64 { n, _ := strconv.ParseInt(info[name], 10, 64); return n }
	fragmentation, _ := strconv.ParseFloat(info["mem_fragmentation_ratio"], 64)
	v := redisView{
		Backend: "redis", Version: info["redis_version"], Mode: info["redis_mode"], Port: number("tcp_port"),
		OS: info["os"], Uptime: number("uptime_in_seconds"),
		Memory:  redisMemory{number("maxmemory"), number("used_memory"), fragmentation, number("used_memory_peak")},
		Clients: redisClients{number("connected_clients"), number("blocked_clients")},
	}
	if v.Memory.Total == 0 {
		v.Memory.Total = number("total_system_memory")
	}
	return v, nil
}
