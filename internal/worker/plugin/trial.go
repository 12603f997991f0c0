package plugin

import (
	"context"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// TryWith returns a function for [Options] that loads a plugin's modules with a
// loader and ends them again.
func TryWith(loader *runtime.Loader) func(ctx context.Context, p *Plugin) ([]string, error) {
	return func(ctx context.Context, p *Plugin) ([]string, error) {
		var names []string
		for _, module := range p.Modules {
			loaded, err := loader.Load(ctx, module)
			if err != nil {
				return nil, err
			}
			loaded.Host.Close()
			for _, h := range loaded.Handlers {
				names = append(names, h.Name)
			}
		}
		return names, nil
	}
}
