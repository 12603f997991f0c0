// Package plugin reads plugin folders: packages of handlers with a manifest.
//
// A folder is a plugin if it has a jobrunner-plugin.json,
//
//	{"name": "greeter", "version": "1.0.0", "description": "…", "author": "…", "handlers": ["hello.js", "bye.py"]}
//
// or a package.json with the keyword "bullmq-handler-plugin": its main module
// registers handlers, or its member bullmqHandlerPlugin.handlers names files in
// its folder "handlers".
package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// Names of the manifests.
const (
	Manifest    = "jobrunner-plugin.json"
	npmManifest = "package.json"
	npmKeyword  = "bullmq-handler-plugin"
)

// maxManifest bounds a manifest, in bytes.
const maxManifest = 1 << 20

// ErrNoPlugin says that a folder has no manifest of a plugin.
var ErrNoPlugin = errors.New("folder is not a plugin")

// Plugin is a plugin folder as its manifest describes it.
type Plugin struct {
	// Dir is the folder.
	Dir         string
	Name        string
	Version     string
	Description string
	Author      string
	// Modules are the handler modules to load.
	Modules []runtime.Module
}

// Read reads the manifest of a folder. It returns [ErrNoPlugin] if there is none.
func Read(dir string) (*Plugin, error) {
	text, err := readManifest(filepath.Join(dir, Manifest))
	if err == nil {
		return parseOwn(dir, text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text, err = readManifest(filepath.Join(dir, npmManifest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoPlugin)
	}
	if err != nil {
		return nil, err
	}
	return parseNPM(dir, text)
}

// Find returns the plugin folders of a directory: itself, or those right below
// it, and with npm's layout those below its scopes.
func Find(dir string) ([]string, error) {
	if isPlugin(dir) {
		return []string{dir}, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("plugin directory: %w", err)
	}
	var found []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case isPlugin(path):
			found = append(found, path)
		case strings.HasPrefix(e.Name(), "@") && e.IsDir():
			scoped, err := Find(path)
			if err != nil {
				return nil, err
			}
			found = append(found, scoped...)
		}
	}
	return found, nil
}

// isPlugin reports whether a folder is meant to be a plugin, even a broken one.
func isPlugin(dir string) bool {
	_, err := Read(dir)
	return err == nil || !errors.Is(err, ErrNoPlugin)
}

func readManifest(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("plugin manifest: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("plugin manifest: %w", err)
	}
	if len(text) > maxManifest {
		return nil, fmt.Errorf("plugin manifest %s has more than %d bytes", path, maxManifest)
	}
	return text, nil
}

func parseOwn(dir string, text []byte) (*Plugin, error) {
	var m struct {
		Name        string   `json:"name"`
		Version     string   `json:"version"`
		Description string   `json:"description"`
		Author      string   `json:"author"`
		Handlers    []string `json:"handlers"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return nil, fmt.Errorf("%s: %w", Manifest, err)
	}
	if m.Name == "" || len(m.Handlers) == 0 {
		return nil, fmt.Errorf("%s needs a name, and handlers: a list of files", Manifest)
	}
	p := &Plugin{Dir: dir, Name: m.Name, Version: m.Version, Description: m.Description, Author: m.Author}
	for _, file := range m.Handlers {
		if !filepath.IsLocal(file) {
			return nil, fmt.Errorf("%s: handler file %q lies outside of the plugin", Manifest, file)
		}
		p.Modules = append(p.Modules, runtime.Module{Path: filepath.Join(dir, file)})
	}
	return p, nil
}

// npmPackage is the part of a package.json that says what a plugin offers. Its
// other members are npm's, so unknown ones are no mistake.
type npmPackage struct {
	Name        string          `json:"name"`
	Version     string          `json:"version"`
	Description string          `json:"description"`
	Author      json.RawMessage `json:"author"` // text, or an object with a name
	Main        string          `json:"main"`
	Keywords    []string        `json:"keywords"`
	Plugin      struct {
		Handlers []string `json:"handlers"`
	} `json:"bullmqHandlerPlugin"`
}

func parseNPM(dir string, text []byte) (*Plugin, error) {
	var m npmPackage
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", npmManifest, err)
	}
	if !slices.Contains(m.Keywords, npmKeyword) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoPlugin)
	}
	p := &Plugin{Dir: dir, Name: m.Name, Version: m.Version, Description: m.Description, Author: author(m.Author)}
	entry, err := npmEntry(dir, m)
	if err != nil {
		return nil, err
	}
	p.Modules = []runtime.Module{{Path: filepath.Join(dir, "plugin.js"), Entry: entry}}
	return p, nil
}

// npmEntry writes a module that offers what the package's main module registers
// and the handler files that its manifest names.
func npmEntry(dir string, m npmPackage) (string, error) {
	var imports, names []string
	main := m.Main
	if main == "" {
		main = "index.js"
	}
	if !filepath.IsLocal(main) {
		return "", fmt.Errorf("%s: main %q lies outside of the plugin", npmManifest, main)
	}
	if isFile(filepath.Join(dir, main)) {
		imports = append(imports, fmt.Sprintf("import * as main from %s;\nexport const registerHandlers = main.registerHandlers;", quote("./"+filepath.ToSlash(main))))
		names = append(names, "main.default")
	}
	for i, name := range m.Plugin.Handlers {
		file := filepath.Join("handlers", name+".js")
		if !filepath.IsLocal(file) {
			return "", fmt.Errorf("%s: handler %q lies outside of the plugin", npmManifest, name)
		}
		if isFile(filepath.Join(dir, file)) {
			imports = append(imports, fmt.Sprintf("import * as handler%d from %s;", i, quote("./"+filepath.ToSlash(file))))
			names = append(names, fmt.Sprintf("handler%d.default", i))
		}
	}
	if len(imports) == 0 {
		return "", fmt.Errorf("%s names neither an existing main module nor an existing handler file", npmManifest)
	}
	return strings.Join(imports, "\n") + "\nexport default [" + strings.Join(names, ", ") + "];\n", nil
}

func author(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var person struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(raw, &person) // an author of another form stays unnamed
	return person.Name
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func quote(s string) string {
	text, _ := json.Marshal(s) // a string always encodes
	return string(text)
}
