package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis/rueidis"

	"github.com/jobrunner-dev/jobrunner/bullmq"

	"github.com/jobrunner-dev/jobrunner/bench/internal/peer"
	"github.com/jobrunner-dev/jobrunner/bench/internal/worker"
)

const (
	handlerConcurrency = 50
	handlerBytes       = 1000
	// warmJobs have run before anything is measured.
	warmJobs = 200
	// nodeHandlers has the handler noop, which returns its job's data.
	nodeHandlers = "node/handlers"
	noopName     = "noop"
	// echoName is the compiled-in handler that returns its job's data.
	echoName = "echo"
)

// handlerBench is what the scenarios of handlers share: JobRunner's program, and
// the queue that its worker serves.
type handlerBench struct {
	program *worker.Program
	redis   *bullmq.Redis
	queue   *bullmq.Queue
	client  rueidis.Client
	addr    string
	rounds  int
}

// openHandlers is the setup of the scenarios of handlers; what it opens stays
// open for the next one.
func openHandlers(ctx context.Context, b *Bench) error {
	if b.handlers != nil {
		return nil
	}
	h := &handlerBench{client: b.Servers.Redis.Client, addr: b.Servers.Redis.Addr}
	var err error
	if h.program, err = worker.Build(ctx); err != nil {
		return err
	}
	b.handlers = h
	if h.redis, err = bullmq.OpenRedis(ctx, "redis://"+h.addr, nil); err != nil {
		return err
	}
	h.queue, err = bullmq.NewQueue(h.redis, peer.QueueName, nil)
	return err
}

// CloseHandlers gives up what the scenarios of handlers have opened.
func (b *Bench) CloseHandlers() error {
	h := b.handlers
	if h == nil {
		return nil
	}
	b.handlers = nil
	if h.redis != nil {
		return errors.Join(h.redis.Close(), h.program.Close())
	}
	return h.program.Close()
}

// start starts a worker on an empty server.
func (h *handlerBench) start(ctx context.Context, dir string, concurrency int) (*worker.Process, error) {
	if err := h.client.Do(ctx, h.client.B().Flushall().Sync().Build()).Error(); err != nil {
		return nil, err
	}
	return h.program.Start(ctx, worker.Options{
		Redis: h.addr, Queue: peer.QueueName, Concurrency: concurrency, Handlers: dir,
	})
}

// add adds jobs with 1 KB of data.
func (h *handlerBench) add(ctx context.Context, name string, jobs int) error {
	data := peer.Data{Payload: strings.Repeat("x", handlerBytes)}
	for added := 0; added < jobs; added += bulkSize {
		bulk := make([]bullmq.BulkJob, min(bulkSize, jobs-added))
		for i := range bulk {
			data.Index = added + i
			bulk[i] = bullmq.BulkJob{Name: name, Data: data}
		}
		if _, err := h.queue.AddBulk(ctx, bulk); err != nil {
			return err
		}
	}
	return nil
}

// drain has a worker whose handler is warm work off jobs, and checks that each
// ran once.
func (h *handlerBench) drain(ctx context.Context, b *Bench, s *Subject, dir, name string, jobs int) (Sample, error) {
	w, err := h.start(ctx, dir, handlerConcurrency)
	if err != nil {
		return nil, err
	}
	sample, err := h.measureDrain(ctx, b, s, w, name, jobs)
	return sample, errors.Join(err, w.Stop())
}

func (h *handlerBench) measureDrain(
	ctx context.Context, b *Bench, s *Subject, w *worker.Process, name string, jobs int,
) (Sample, error) {
	if err := h.add(ctx, name, warmJobs); err != nil {
		return nil, err
	}
	if err := awaitFinished(ctx, s.Peer, b.Servers, warmJobs); err != nil {
		return nil, err
	}
	if err := h.queue.Pause(ctx); err != nil {
		return nil, err
	}
	if err := h.add(ctx, name, jobs); err != nil {
		return nil, err
	}
	sample, err := measure(ctx, s.Peer.Store(b.Servers), w, jobs, func() error {
		if err := h.queue.Resume(ctx); err != nil {
			return err
		}
		return awaitFinished(ctx, s.Peer, b.Servers, warmJobs+jobs)
	})
	if err != nil {
		return nil, err
	}
	wrong, err := h.wrong(ctx, warmJobs+jobs)
	if err == nil && wrong > 0 {
		err = fmt.Errorf("%d of %d jobs of %s failed or ran more than once", wrong, jobs, name)
	}
	return sample, err
}

// wrong counts the jobs, numbered from 1, that have not completed in their first attempt.
func (h *handlerBench) wrong(ctx context.Context, jobs int) (int, error) {
	key := func(id int) string { return fmt.Sprintf("bull:%s:%d", peer.QueueName, id) }
	wrong := 0
	for first := 1; first <= jobs; first += bulkSize {
		var commands rueidis.Commands
		for id := first; id < min(first+bulkSize, jobs+1); id++ {
			commands = append(commands, h.client.B().Hmget().Key(key(id)).Field("ats", "finishedOn", "failedReason").Build())
		}
		for _, r := range h.client.DoMulti(ctx, commands...) {
			fields, err := r.ToArray()
			if err != nil {
				return 0, err
			}
			started, _ := fields[0].ToString()
			if started != "1" || fields[1].IsNil() || !fields[2].IsNil() {
				wrong++
			}
		}
	}
	return wrong, nil
}

// handlerDir makes a directory of handlers with these files.
func handlerDir(files map[string]string) (string, error) {
	dir, err := os.MkdirTemp("", "jobrunner-bench-handlers-")
	if err != nil {
		return "", err
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, []byte(text), 0o600))
		if err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
	}
	return dir, nil
}

// save replaces a file as editors do.
func save(path, text string) error {
	if err := os.WriteFile(path+"~", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+"~", path)
}
