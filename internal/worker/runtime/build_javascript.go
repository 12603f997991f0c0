package runtime

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
)

// javascript bundles the module and what it imports into one file.
func (b *build) javascript(ctx context.Context) error {
	node, err := b.interpreter(ctx, b.loader.opts.Node, "JavaScript")
	if err != nil {
		return err
	}
	b.inputs = packageFiles(filepath.Dir(b.module.Path))
	out := filepath.Join(b.dir, "bundle.mjs")
	var apart apartPackages
	result := api.Build(b.bundleOptions(out, &apart))
	if apart.add(result.Errors, filepath.Dir(b.module.Path)) {
		result = api.Build(b.bundleOptions(out, &apart))
	}
	if len(result.Errors) > 0 {
		return bundleError(result.Errors, b.module.Path)
	}
	if err := b.bundleInputs(result.Metafile); err != nil {
		return err
	}
	for _, root := range apart.roots() {
		if err := b.mayBuildFrom(root); err != nil {
			return err
		}
	}
	args := append(nodeMemory(b.policy()), "--enable-source-maps", filepath.Join(b.sdk, "js", "host.mjs"), out, b.module.Path)
	b.run(node, args, "NODE_NO_WARNINGS=1")
	b.reads = append(b.reads, apart.roots()...)
	return nil
}

// bundleOptions bundle to one ECMAScript module. The host shim offers require
// for bundled CommonJS.
func (b *build) bundleOptions(out string, apart *apartPackages) api.BuildOptions {
	path := b.module.Path
	options := api.BuildOptions{
		Outfile: out, Write: true, Bundle: true, Metafile: true,
		Platform: api.PlatformNode, Format: api.FormatESModule, Target: api.ES2023,
		Sourcemap: api.SourceMapLinked, SourcesContent: api.SourcesContentExclude,
		LogLevel: api.LogLevelSilent, LogLimit: 10,
		AbsWorkingDir: filepath.Dir(path),
		Alias:         map[string]string{"@jobrunner/handler": filepath.Join(b.sdk, "js", "index.mjs")},
		Plugins:       []api.Plugin{bullmqPlugin(b.sdk), apart.plugin(), placesPlugin},
	}
	if b.module.Entry != "" {
		options.Stdin = &api.StdinOptions{
			Contents: b.module.Entry, ResolveDir: filepath.Dir(path), Sourcefile: path, Loader: api.LoaderJS,
		}
	} else {
		options.EntryPoints = []string{path}
	}
	return options
}

// missingPackage is what esbuild says of a name that is no path.
var missingPackage = regexp.MustCompile(`^Could not resolve "[^./]`)

// bundleError reports the first error, the one that others follow from.
func bundleError(errs []api.Message, path string) *catalogue.LoadError {
	first := errs[0]
	failed := &catalogue.LoadError{Message: first.Text, File: path}
	if n := len(errs) - 1; n > 0 {
		failed.Message += fmt.Sprintf(" (and %d more)", n)
	}
	if missingPackage.MatchString(first.Text) {
		failed.Message += "; if it is an npm package, install it beside the handler: npm install"
	}
	if at := first.Location; at != nil {
		failed.Line, failed.Column, failed.Frame = at.Line, at.Column+1, at.LineText
		failed.File = at.File
		if !filepath.IsAbs(at.File) {
			failed.File = filepath.Join(filepath.Dir(path), at.File)
		}
	}
	return failed
}
