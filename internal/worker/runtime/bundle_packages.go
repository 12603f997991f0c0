package runtime

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

// apartPackages are the installed packages that are not bundled but loaded from
// where they lie: those with native code, which looks for itself beside its
// files, and those that esbuild has failed at.
type apartPackages struct {
	mu     sync.Mutex
	native map[string]bool // guarded by mu; by folder, as far as looked at
	failed map[string]bool // by folder; not changed while a build runs
}

// resolving marks the resolutions that the plugin itself asks for.
type resolving struct{}

func (a *apartPackages) plugin() api.Plugin {
	if a.native == nil {
		a.native = map[string]bool{}
	}
	return api.Plugin{Name: "packages that stay apart", Setup: func(build api.PluginBuild) {
		// Names of packages: neither paths nor what node or the SDK brings.
		build.OnResolve(api.OnResolveOptions{Filter: `^[^./]`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			if _, own := args.PluginData.(resolving); own || args.Kind == api.ResolveEntryPoint ||
				strings.HasPrefix(args.Path, "node:") || strings.HasPrefix(args.Path, "@jobrunner/") {
				return api.OnResolveResult{}, nil
			}
			found := build.Resolve(args.Path, api.ResolveOptions{
				Importer: args.Importer, ResolveDir: args.ResolveDir, Kind: args.Kind, Namespace: args.Namespace,
				PluginData: resolving{},
			})
			root := packageRoot(found.Path)
			if len(found.Errors) > 0 || found.External || root == "" || !a.isApart(root) {
				return api.OnResolveResult{}, nil // as if this plugin were not there
			}
			return api.OnResolveResult{Path: found.Path, External: true}, nil
		})
	}}
}

// isApart is called by esbuild from several goroutines at once.
func (a *apartPackages) isApart(root string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	native, known := a.native[root]
	if !known {
		native = hasNativeCode(root)
		a.native[root] = native
	}
	return native || a.failed[root]
}

// add takes the packages that errors lie in, and reports whether there are any.
// Their files are told relative to dir.
func (a *apartPackages) add(errs []api.Message, dir string) bool {
	a.failed = map[string]bool{}
	for _, e := range errs {
		if e.Location == nil {
			continue
		}
		file := filepath.FromSlash(e.Location.File)
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		if root := packageRoot(file); root != "" {
			a.failed[root] = true
		}
	}
	return len(a.failed) > 0
}

// roots are the folders of installed packages that a bundle loads from.
func (a *apartPackages) roots() []string {
	var roots []string
	for root, native := range a.native {
		if native || a.failed[root] {
			modules := root[:strings.LastIndex(root, "node_modules")+len("node_modules")]
			roots = append(roots, modules) // its own dependencies lie beside it
		}
	}
	slices.Sort(roots)
	return slices.Compact(roots)
}

// nativeHelpers are packages that others find or build their native code with.
var nativeHelpers = []string{
	"bindings", "node-gyp-build", "node-addon-api", "node-pre-gyp", "@mapbox/node-pre-gyp", "prebuild-install",
	"napi-build-utils", "detect-libc",
}

// hasNativeCode looks for the usual signs of it in a package's folder.
func hasNativeCode(root string) bool {
	if isFile(filepath.Join(root, "binding.gyp")) {
		return true
	}
	if found, _ := filepath.Glob(filepath.Join(root, "*.node")); len(found) > 0 {
		return true
	}
	for _, dir := range []string{"prebuilds", filepath.Join("build", "Release")} {
		if info, err := os.Stat(filepath.Join(root, dir)); err == nil && info.IsDir() {
			return true
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "package.json"))
	if err != nil {
		return false
	}
	var pkg struct {
		Dependencies map[string]json.RawMessage `json:"dependencies"`
		GypFile      bool                       `json:"gypfile"`
		NAPI         json.RawMessage            `json:"napi"`
	}
	if json.Unmarshal(text, &pkg) != nil {
		return false
	}
	return pkg.GypFile || pkg.NAPI != nil ||
		slices.ContainsFunc(slices.Collect(maps.Keys(pkg.Dependencies)), func(name string) bool {
			return slices.Contains(nativeHelpers, name)
		})
}
