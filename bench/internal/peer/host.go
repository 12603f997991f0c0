package peer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// awaitTimeout ends a round in which an engine has lost jobs.
const awaitTimeout = 5 * time.Minute

// Serve runs an engine of this binary as a host until in ends.
func Serve(ctx context.Context, key string, addresses Addresses, in io.Reader, out io.Writer) error {
	p := Find(key)
	if p == nil || p.open == nil {
		return fmt.Errorf("no engine of this binary is called %q", key)
	}
	engine, err := p.open(ctx, addresses)
	if err != nil {
		return err
	}
	h := &host{engine: engine, payload: payloadFor(100), answers: json.NewEncoder(out)}
	return errors.Join(h.serve(ctx, in), engine.Close())
}

// host carries out the requests to one engine.
type host struct {
	engine   Engine
	payload  string // of arrivals
	answers  *json.Encoder
	arrivals errgroup.Group
	tally    *tally
	stop     func() error
	profile  *os.File
}

func (h *host) serve(ctx context.Context, in io.Reader) error {
	if err := h.answers.Encode(response{}); err != nil { // ready
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		line := lines.Bytes()
		if line[0] != '{' {
			if err := h.arrive(ctx, line); err != nil {
				return err
			}
			continue
		}
		var req request
		if err := json.Unmarshal(line, &req); err != nil {
			return err
		}
		if err := h.answer(h.run(ctx, req)); err != nil {
			return err
		}
	}
	return nil
}

func (h *host) answer(result any, err error) error {
	if err != nil {
		return h.answers.Encode(response{Error: err.Error()})
	}
	text, err := json.Marshal(result)
	if err != nil {
		return err
	}
	return h.answers.Encode(response{Result: text})
}

func (h *host) run(ctx context.Context, req request) (any, error) {
	switch req.Command {
	case commandAdd:
		return nil, h.add(ctx, req.Batch, req.Producers)
	case commandAddBulk:
		return nil, h.addBulk(ctx, req.Batch, req.Bulk)
	case commandSettle:
		return nil, h.arrivals.Wait()
	case commandWork:
		h.tally = newTally(req.Jobs, req.Hold)
		var err error
		h.stop, err = h.engine.Work(ctx, WorkOptions{Concurrency: req.Concurrency, Limit: req.Limit, Echo: req.Echo}, h.tally.handle)
		return nil, err
	case commandAwait:
		ctx, cancel := context.WithTimeout(ctx, awaitTimeout)
		defer cancel()
		return nil, h.tally.await(ctx, req.Handled)
	case commandStop:
		if err := h.stop(); err != nil {
			return nil, err
		}
		return h.tally.delivery(), nil
	case commandProfile:
		return nil, h.profileTo(req.File)
	default:
		return nil, fmt.Errorf("unknown command %q", req.Command)
	}
}

// add adds the jobs one by one from several goroutines at once.
func (h *host) add(ctx context.Context, b Batch, producers int) error {
	payload, step := payloadFor(b.Bytes), b.step()
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range producers {
		group.Go(func() error {
			for {
				index := (int(next.Add(1)) - 1) * step
				if index >= b.Jobs {
					return nil
				}
				if err := h.engine.Add(ctx, b.job(b.First+index, payload)); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

func (h *host) addBulk(ctx context.Context, b Batch, size int) error {
	payload, step := payloadFor(b.Bytes), b.step()
	for start := 0; start < b.Jobs; start += size {
		var jobs []Job
		for index := start; index < min(start+size, b.Jobs); index += step {
			jobs = append(jobs, b.job(b.First+index, payload))
		}
		if err := h.engine.AddBulk(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}

// arrive adds the job of one line without waiting for it.
func (h *host) arrive(ctx context.Context, line []byte) error {
	first, second, _ := bytes.Cut(line, []byte(" "))
	index, err := strconv.Atoi(string(first))
	if err != nil {
		return fmt.Errorf("arrival %q: %w", line, err)
	}
	due, err := strconv.ParseInt(string(second), 10, 64)
	if err != nil {
		return fmt.Errorf("arrival %q: %w", line, err)
	}
	h.arrivals.Go(func() error {
		return h.engine.Add(ctx, Job{Data: Data{Index: index, Payload: h.payload, Due: due}})
	})
	return nil
}

func (h *host) profileTo(file string) error {
	if h.profile != nil {
		pprof.StopCPUProfile()
		if err := h.profile.Close(); err != nil {
			return err
		}
		h.profile = nil
	}
	if file == "" {
		return nil
	}
	var err error
	if h.profile, err = os.Create(file); err != nil {
		return err
	}
	return pprof.StartCPUProfile(h.profile)
}
