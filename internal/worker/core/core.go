// Package core holds the handlers that every worker has compiled in. The larger
// ones are packages of their own below it.
package core

import (
	"cmp"
	"errors"
	"time"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/safedial"
	"github.com/jobrunner-dev/jobrunner/internal/wildcard"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/export"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/fanout"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/httprequest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/llm"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/secret"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/sendemail"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/shell"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core/webhook"
)

// Options are the choices of the core handlers; the zero value is fine.
type Options struct {
	// Dialer decides which addresses handlers may reach. Defaults to public ones.
	Dialer *safedial.Dialer
	// Secrets are what jobs and connections may authenticate with.
	Secrets *secret.Store
	// MaxResponseBytes bounds the response that http-request takes in. Defaults to 1 MiB.
	MaxResponseBytes int64
	// Hold is the longest pause that a job spends waiting because a server asked for
	// it; for a longer one the job is put back. Defaults to 15 s.
	Hold time.Duration
	// Export are the choices of data-export.
	Export export.Options
	// Email are the choices of send-email.
	Email sendemail.Options
	// LLM are the choices of llm.
	LLM llm.Options
	// Shell are the choices of shell, which the worker has only if they allow a program.
	Shell shell.Options
	// FanOut are the choices of fan-out.
	FanOut fanout.Options
	// Omit are the core handlers that a worker is not to have, by name; * stands for
	// any text. Their names are then free for others.
	Omit []string
	// Handlers lists the worker's handlers, for list-handlers.
	Handlers func() []catalogue.Handler
}

func (o Options) withDefaults() Options {
	if o.Dialer == nil {
		o.Dialer = safedial.New(safedial.Options{})
	}
	o.LLM.Hold = cmp.Or(o.LLM.Hold, o.Hold)
	if o.Handlers == nil {
		o.Handlers = func() []catalogue.Handler { return nil }
	}
	return o
}

// Definitions returns the core handlers, less those that are omitted.
func Definitions(o Options) ([]*handler.Definition, error) {
	o = o.withDefaults()
	var list []*handler.Definition
	var errs []error
	add := func(d *handler.Definition, err error) {
		errs = append(errs, err)
		if err == nil && !wildcard.Any(o.Omit, d.Name) {
			list = append(list, d)
		}
	}
	add(echoHandler())
	add(sleepHandler())
	add(httprequest.New(httprequest.Options{
		Dialer: o.Dialer, Secrets: o.Secrets, MaxResponseBytes: o.MaxResponseBytes, Hold: o.Hold,
	}))
	add(webhook.New(webhook.Options{Dialer: o.Dialer, Secrets: o.Secrets, Hold: o.Hold}))
	add(export.New(o.Dialer, o.Export))
	add(sendemail.New(o.Email))
	add(llm.New(o.LLM))
	add(fanout.New(o.FanOut))
	if len(o.Shell.Rules) > 0 {
		add(shell.New(o.Shell))
	}
	add(listHandlersHandler(o.Handlers))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return list, nil
}

// version is that of the small core handlers: they change with the program.
const version = "1.0.0"

func describe(description string) *handler.Options {
	return &handler.Options{Version: version, Description: description, Author: "JobRunner"}
}
