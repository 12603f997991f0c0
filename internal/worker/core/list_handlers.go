package core

import (
	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

type listedHandler struct {
	Name        string         `json:"name"`
	Version     string         `json:"version"`
	Description string         `json:"description,omitempty"`
	Author      string         `json:"author,omitempty"`
	Kind        catalogue.Kind `json:"kind"`
	Language    string         `json:"language"`
	Error       string         `json:"error,omitempty"`
}

type listHandlersResult struct {
	Handlers []listedHandler `json:"handlers"`
}

// listHandlersHandler lists what the worker that runs the job can run.
func listHandlersHandler(list func() []catalogue.Handler) (*handler.Definition, error) {
	return handler.New("list-handlers", func(handler.Context, struct{}) (listHandlersResult, error) {
		result := listHandlersResult{Handlers: []listedHandler{}}
		for _, h := range list() {
			listed := listedHandler{
				Name: h.Name, Version: h.Version, Description: h.Description, Author: h.Author, Kind: h.Kind, Language: h.Language,
			}
			if h.Error != nil {
				listed.Error = h.Error.Message
			}
			result.Handlers = append(result.Handlers, listed)
		}
		return result, nil
	}, describe("Lists the handlers of the worker that runs the job"))
}
