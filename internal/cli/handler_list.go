package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/config"
	"github.com/jobrunner-dev/jobrunner/internal/redisd"
	"github.com/jobrunner-dev/jobrunner/internal/worker/trial"
)

func newHandlerList(p *Process) *cobra.Command {
	var asJSON, ofWorkers bool
	cmd := &cobra.Command{
		Use:   "list [FILE|DIR...]",
		Short: "List the handlers of files here, or of running workers",
		Long: "List the handlers that files and folders hold, or, with --worker, those of the workers that run on\n" +
			"a Redis: the one that --redis names, or that of jobrunner dev in this directory.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if ofWorkers {
				if len(args) > 0 {
					return usage(errors.New("--worker lists what workers have, not files"))
				}
				return p.listWorkersHandlers(cmd, asJSON)
			}
			return p.withHandlers(cmd, orHandlerDirs(args), func(library *trial.Library) error {
				return p.listHandlers(listed(library.Handlers()), asJSON)
			})
		},
	}
	config.AddFlags(cmd.Flags(), append(slices.Clone(handlerFlags), "redis", "prefix", "data-dir")...)
	cmd.Flags().BoolVar(&ofWorkers, "worker", false, "list the handlers of running workers")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// listedHandler is a handler in a list. Workers is nil for those of files.
type listedHandler struct {
	catalogue.Handler
	Workers []string `json:"workers,omitempty"`
}

func listed(handlers []catalogue.Handler) []listedHandler {
	list := make([]listedHandler, len(handlers))
	for i, h := range handlers {
		list[i] = listedHandler{Handler: h}
	}
	return list
}

func (p *Process) listWorkersHandlers(cmd *cobra.Command, asJSON bool) (err error) {
	cfg, _, err := p.settings(cmd)
	if err != nil {
		return usage(err)
	}
	if cfg.Redis == "" {
		if cfg.Redis, err = redisd.URL(filepath.Join(cfg.DataDir, redisDir)); err != nil {
			return usage(fmt.Errorf("%w; name a Redis with --redis, or start jobrunner dev here", err))
		}
	}
	redis, err := bullmq.OpenRedis(cmd.Context(), cfg.Redis, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()
	list, err := handlersOfWorkers(cmd.Context(), redis, cfg.Prefix)
	if err != nil {
		return err
	}
	return p.listHandlers(list, asJSON)
}

// handlersOfWorkers merges what workers publish: a handler's version appears
// once, with all workers that run it.
func handlersOfWorkers(ctx context.Context, redis *bullmq.Redis, prefix string) ([]listedHandler, error) {
	workers, err := catalogue.NewReader(redis.Client(), prefix).Workers(ctx)
	if err != nil {
		return nil, err
	}
	type key struct{ name, version, source string }
	index := map[key]int{}
	list := []listedHandler{}
	for _, w := range workers {
		for _, h := range w.Handlers {
			k := key{h.Name, h.Version, h.Source}
			i, known := index[k]
			if !known {
				i = len(list)
				index[k] = i
				list = append(list, listedHandler{Handler: h})
			}
			list[i].Workers = append(list[i].Workers, fmt.Sprintf("%s:%d", w.Host, w.PID))
		}
	}
	slices.SortStableFunc(list, func(a, b listedHandler) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	return list, nil
}

func (p *Process) listHandlers(list []listedHandler, asJSON bool) error {
	if asJSON {
		return p.printJSON(list)
	}
	table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tVERSION\tLANGUAGE\tSOURCE\tWORKERS\tDESCRIPTION")
	for _, h := range list {
		description := h.Description
		if h.Error != nil {
			description = "does not load: " + h.Error.Message
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", h.Name, cmp.Or(h.Version, "-"), cmp.Or(h.Language, "-"),
			shortPath(h.Source), cmp.Or(strings.Join(h.Workers, " "), "-"), firstLine(description))
	}
	return table.Flush()
}

// firstLine keeps a table a table.
func firstLine(text string) string {
	const width = 100
	line, _, _ := strings.Cut(text, "\n")
	if runes := []rune(line); len(runes) > width {
		return string(runes[:width]) + "…"
	}
	return line
}
