package worker

import (
	"errors"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/core"
	"github.com/jobrunner-dev/jobrunner/internal/worker/registry"
)

// Sources of the handlers that are compiled in.
const (
	coreSource     = "core"
	compiledSource = "compiled in"
)

// registerCompiled registers the core handlers and those given as options.
func (s *Supervisor) registerCompiled() error {
	options := s.opts.Core
	options.Handlers = s.Handlers
	definitions, err := core.Definitions(options)
	if err != nil {
		return err
	}
	return errors.Join(s.putCompiled(coreSource, definitions), s.putCompiled(compiledSource, s.opts.Handlers))
}

// putCompiled registers handlers, if there are any.
func (s *Supervisor) putCompiled(source string, definitions []*handler.Definition) error {
	if len(definitions) == 0 {
		return nil
	}
	return s.registry.Put(compiledSet(source, definitions))
}

func compiledSet(source string, definitions []*handler.Definition) registry.Set {
	set := registry.Set{Source: source}
	for _, d := range definitions {
		h := catalogue.Handler{
			Name: d.Name, Version: d.Version, Description: d.Description, Author: d.Author,
			Kind: catalogue.KindCore, Source: source, Language: "go",
			DataSchema: d.DataSchema, ResultSchema: d.ResultSchema,
		}
		if d.Defaults != (handler.Defaults{}) {
			h.Defaults = &catalogue.Defaults{
				Attempts: d.Defaults.Attempts, Backoff: d.Defaults.Backoff, TimeoutMS: d.Defaults.Timeout.Milliseconds(),
				Concurrency: d.Defaults.Concurrency,
			}
		}
		set.Handlers = append(set.Handlers, registry.Entry{Handler: h, Runner: d})
	}
	return set
}
