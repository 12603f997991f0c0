package llm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/retry"
)

// Options are the choices of the handler.
type Options struct {
	// Connections are the model endpoints; see [ParseConnections]. Without one,
	// every job fails.
	Connections *Connections
	// MaxQuestionBytes bounds all messages of a job together. Defaults to 4 MiB.
	MaxQuestionBytes int
	// MaxAnswerBytes bounds an answer. Defaults to 1 MiB.
	MaxAnswerBytes int
	// Hold is the longest pause between tries that keeps the worker's slot; if an
	// endpoint asks for more, the job is put back. Defaults to 15 s.
	Hold time.Duration
}

const (
	defaultTimeout, maxTimeout = 5 * time.Minute, time.Hour
	// total bounds all tries of one question.
	total = 2 * time.Hour
)

type asker struct{ opts Options }

// New returns the handler.
func New(opts Options) (*handler.Definition, error) {
	if opts.Connections == nil {
		var err error
		if opts.Connections, err = ParseConnections(nil, nil); err != nil {
			return nil, err
		}
	}
	opts.MaxQuestionBytes = cmp.Or(opts.MaxQuestionBytes, 4<<20)
	opts.MaxAnswerBytes = cmp.Or(opts.MaxAnswerBytes, 1<<20)
	opts.Hold = cmp.Or(opts.Hold, 15*time.Second)
	a := &asker{opts}
	return handler.New("llm", a.run, &handler.Options{
		Version: "1.0.0", Author: "JobRunner",
		Description: "Asks a language model by one of the worker's model endpoints",
		Defaults: handler.Defaults{
			Attempts: 3, Backoff: &bullmq.Backoff{Type: bullmq.BackoffExponential, Delay: 10 * time.Second, Jitter: 0.2},
		},
	})
}

// conversation is a job that was checked, while it runs.
type conversation struct {
	ctx        handler.Context
	connection *Connection
	question   question
	schema     *catalogue.Schema // nil for a free answer
	timeout    time.Duration
	policy     retry.Policy
	quiet      bool
	limit      int

	requests int
	usage    Usage
}

func (a *asker) run(ctx handler.Context, in Data) (*Result, error) {
	c, err := a.conversation(ctx, in)
	if err != nil {
		return nil, bullmq.Unrecoverable(err)
	}
	began := time.Now()
	repairs := *cmp.Or(in.Repairs, new(1))
	for n := 0; ; n++ {
		said, err := c.ask()
		if err != nil {
			return nil, err
		}
		result := &Result{
			Text: said.text, Model: said.model, FinishReason: said.finish, Usage: c.usage, Repairs: n,
			DurationMS: time.Since(began).Milliseconds(),
		}
		if c.schema == nil {
			return result, nil
		}
		if said.finish == "length" {
			return nil, bullmq.Unrecoverable(errors.New("the answer was cut off at maxTokens, so its JSON is not complete; allow more"))
		}
		if result.JSON, err = conform(c.schema, said.text); err == nil {
			return result, nil
		}
		missed, ok := errors.AsType[*SchemaError](err)
		if !ok || n >= repairs {
			return nil, err
		}
		ctx.Logf("%v; asking again, %d of %d", missed, n+1, repairs)
		c.question = repair(c.question, said.text, missed)
	}
}

func (a *asker) conversation(ctx handler.Context, in Data) (*conversation, error) {
	connection, err := a.opts.Connections.Find(in.Connection)
	if err != nil {
		return nil, err
	}
	c := &conversation{
		ctx: ctx, connection: connection, quiet: in.Quiet, limit: a.opts.MaxAnswerBytes, timeout: defaultTimeout,
		policy: retry.Policy{Tries: 1 + *cmp.Or(in.Retries, new(2)), Hold: a.opts.Hold, Total: total},
	}
	if in.TimeoutMS > 0 {
		c.timeout = min(time.Duration(in.TimeoutMS)*time.Millisecond, maxTimeout)
	}
	if len(in.Schema) > 0 && string(in.Schema) != "null" {
		if c.schema, err = catalogue.CompileSchema(in.Schema); err != nil {
			return nil, err
		}
		c.question.schema, c.question.strict = in.Schema, in.Strict
	}
	if c.question.model, err = connection.model(in.Model); err != nil {
		return nil, err
	}
	c.question.messages, err = a.messages(in)
	c.question.temperature, c.question.maxTokens = in.Temperature, in.MaxTokens
	c.question.stop, c.question.seed = in.Stop, in.Seed
	return c, err
}

// messages puts system, conversation and prompt in the order of a chat.
func (a *asker) messages(in Data) ([]Message, error) {
	var list []Message
	if in.System != "" {
		list = append(list, Message{"system", in.System})
	}
	list = append(list, in.Messages...)
	if in.Prompt != "" {
		list = append(list, Message{"user", in.Prompt})
	}
	if in.Prompt == "" && len(in.Messages) == 0 {
		return nil, errors.New("there is no question; give a prompt or messages")
	}
	size := 0
	for _, m := range list {
		size += len(m.Content)
	}
	if size > a.opts.MaxQuestionBytes {
		return nil, fmt.Errorf("the messages have %d bytes, more than the %d allowed", size, a.opts.MaxQuestionBytes)
	}
	return list, nil
}

// ask puts the question until there is an answer.
func (c *conversation) ask() (*answer, error) {
	var said *answer
	err := c.policy.Do(c.ctx, func(ctx context.Context) error {
		c.requests++
		c.ctx.Logf("asking %s by %s", c.question.model, c.connection.Name)
		show := newLive(c.ctx, c.quiet, c.requests)
		var err error
		said, err = c.connection.ask(ctx, c.question, c.timeout, c.limit, show)
		show.end()
		return err
	})
	if err != nil {
		return nil, err
	}
	c.usage.add(said.usage)
	return said, nil
}
