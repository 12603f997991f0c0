package runtime

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// bundleInputs takes the files from esbuild's metafile that the bundle is made
// of. What a package manager has installed counts for the module's hash, but
// need not be watched: it changes with the lock file.
func (b *build) bundleInputs(metafile string) error {
	var meta struct {
		Inputs map[string]struct{} `json:"inputs"`
	}
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		return fmt.Errorf("read the bundle's inputs: %w", err)
	}
	for name := range meta.Inputs {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(b.module.Path), name)
		}
		if !isFile(name) || strings.HasPrefix(name, b.sdk+string(filepath.Separator)) {
			continue
		}
		if err := b.mayBuildFrom(name); err != nil {
			return err
		}
		switch {
		case packageRoot(name) != "":
			b.installed = append(b.installed, name)
		default:
			b.inputs = append(b.inputs, name)
		}
	}
	return nil
}

// packageFiles are the files beside a module that say which packages it has:
// the nearest package.json, the lock files that may lie there, and npm's note of
// what it has installed.
func packageFiles(dir string) []string {
	for !isFile(filepath.Join(dir, "package.json")) {
		up := filepath.Dir(dir)
		if up == dir {
			return nil
		}
		dir = up
	}
	files := []string{filepath.Join(dir, "package.json")}
	for _, name := range []string{
		"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "tsconfig.json",
		filepath.Join("node_modules", ".package-lock.json"),
	} {
		if path := filepath.Join(dir, name); isFile(path) {
			files = append(files, path)
		}
	}
	return files
}

// packageRoot is the folder of the installed package that a file belongs to, ""
// if it belongs to none.
func packageRoot(file string) string {
	const folder = string(filepath.Separator) + "node_modules" + string(filepath.Separator)
	at := strings.LastIndex(file, folder)
	if at < 0 {
		return ""
	}
	start := at + len(folder)
	parts := strings.SplitN(file[start:], string(filepath.Separator), 3)
	if len(parts) < 2 {
		return ""
	}
	name := parts[0]
	if strings.HasPrefix(name, "@") {
		name = filepath.Join(parts[0], parts[1])
	}
	return file[:start] + name
}
