package runtime

import (
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// bullmqPlugin lets handlers import npm bullmq's errors without the package: what
// is installed beside a handler counts, else the SDK's stand-in.
func bullmqPlugin(sdk string) api.Plugin {
	return api.Plugin{Name: "bullmq where it is not installed", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: `^bullmq$`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			if _, own := args.PluginData.(resolving); own {
				return api.OnResolveResult{}, nil
			}
			installed := build.Resolve(args.Path, api.ResolveOptions{
				Importer: args.Importer, ResolveDir: args.ResolveDir, Kind: args.Kind, Namespace: args.Namespace,
				PluginData: resolving{},
			})
			if len(installed.Errors) == 0 {
				return api.OnResolveResult{}, nil // as if this plugin were not there
			}
			return api.OnResolveResult{Path: filepath.Join(sdk, "js", "bullmq.mjs")}, nil
		})
	}}
}
