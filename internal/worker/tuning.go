package worker

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// tuning is what an operator's settings say of the processes of handlers. The
// zero value says nothing.
type tuning struct {
	// settings are those of the handler of a name; nil has none.
	settings func(handler string) HandlerSettings
	// policy is that of modules which have none of their own.
	policy sandbox.Policy
}

// resources are the bounds of a process. 0 leaves one to the module's policy.
type resources struct {
	memory int64
	cpu    float64
}

// of is what the process of several handlers is granted: the most of each.
func (t tuning) of(handlers ...string) resources {
	var all resources
	if t.settings == nil {
		return all
	}
	for _, name := range handlers {
		own := t.settings(name)
		all.memory, all.cpu = max(all.memory, own.Memory), max(all.cpu, own.CPU)
	}
	return all
}

// load loads a module with the bounds of its handlers. They are known once it
// has been loaded, so it is loaded again if its file's name led to others.
func (t tuning) load(ctx context.Context, loader *runtime.Loader, module runtime.Module) (*runtime.Loaded, error) {
	guess := t.of(stem(module.Path))
	loaded, err := loader.Load(ctx, t.bound(module, guess))
	if err != nil {
		return loaded, err
	}
	names := make([]string, len(loaded.Handlers))
	for i, h := range loaded.Handlers {
		names[i] = h.Name
	}
	granted := t.of(names...)
	if granted == guess {
		return loaded, nil
	}
	loaded.Host.Close()
	return loader.Load(ctx, t.bound(module, granted))
}

// bound gives a module's process its bounds.
func (t tuning) bound(module runtime.Module, granted resources) runtime.Module {
	if granted == (resources{}) {
		return module
	}
	policy := t.policy
	if module.Policy != nil {
		policy = *module.Policy
	}
	if granted.memory > 0 {
		policy.Memory = granted.memory
	}
	if granted.cpu > 0 {
		policy.CPU = granted.cpu
	}
	module.Policy = &policy
	return module
}

// stem is a file's name without its ending.
func stem(path string) string {
	name := filepath.Base(path)
	return strings.TrimSuffix(name, filepath.Ext(name))
}
