// Package scaffold writes new handlers for their authors: a small example in
// the language of their choice that runs at once, and what an editor needs to
// know the SDK without anything being installed.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

//go:embed templates
var templates embed.FS

// Handler says what to write.
type Handler struct {
	// Name is the job name that the handler answers; see [CheckName].
	Name string
	// Language is one of [Languages].
	Language string
	// Dir is the directory to write into. It is made if missing.
	Dir string
	// GoSDK is the folder of JobRunner's Go source, or GoVersion the released
	// version, that a handler in Go is built with. If neither is known, its author
	// has to see to it.
	GoSDK, GoVersion string
}

// Created says what was written.
type Created struct {
	// Entry is the file or folder that is the handler, as a worker sees it.
	Entry string
	// Files are the handler's files.
	Files []string
	// Support are files for editors.
	Support []string
	// Prepare is a command to run before the handler can be, nil for none.
	Prepare []string
}

// output is one file to write.
type output struct {
	path       string // below the directory
	template   string
	executable bool
}

// language is how handlers of a language are laid out.
type language struct {
	name string
	// entry is the file or folder that a worker loads.
	entry   func(name string) string
	outputs func(h Handler) []output
	// editor are the files that editors need.
	editor func(dir string) ([]string, error)
}

var languages = []language{
	single("ts", ".ts", "handler.ts.tmpl", supportTypeScript),
	single("js", ".js", "handler.js.tmpl", supportTypeScript),
	single("python", ".py", "handler.py.tmpl", supportPython),
	{name: "go", entry: func(name string) string { return name }, outputs: goOutputs},
	{name: "shell", entry: func(name string) string { return name + ".sh" }, outputs: shellOutputs},
}

// single is a language whose handlers are one file.
func single(name, extension, template string, editor func(string) ([]string, error)) language {
	entry := func(handler string) string { return handler + extension }
	return language{
		name: name, entry: entry, editor: editor,
		outputs: func(h Handler) []output { return []output{{path: entry(h.Name), template: template}} },
	}
}

// goOutputs are a module of its own, so that editors and the toolchain know it.
func goOutputs(h Handler) []output {
	list := []output{
		{path: filepath.Join(h.Name, "main.go"), template: "main.go.tmpl"},
		{path: filepath.Join(h.Name, "go.mod"), template: "go.mod.tmpl"},
	}
	if h.GoSDK != "" {
		list = append(list, output{path: filepath.Join(h.Name, "go.work"), template: "go.work.tmpl"})
	}
	return list
}

func shellOutputs(h Handler) []output {
	return []output{
		{path: h.Name + ".sh", template: "handler.sh.tmpl", executable: true},
		{path: h.Name + ".handler.json", template: "handler.sh.json.tmpl"},
	}
}

// Languages returns the languages that handlers are written in.
func Languages() []string {
	names := make([]string, len(languages))
	for i, l := range languages {
		names[i] = l.name
	}
	return names
}

// ErrExists says that there is a handler of that name already.
var ErrExists = errors.New("it exists already; choose another name, or another directory with --dir")

// Create writes a new handler. It overwrites nothing: if one of the files, or a
// handler of that name in another language, is there, it returns [ErrExists].
func Create(h Handler) (*Created, error) {
	if err := CheckName(h.Name); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(languages, func(l language) bool { return l.name == h.Language })
	if i < 0 {
		return nil, fmt.Errorf("language %q is not known: choose one of %s", h.Language, strings.Join(Languages(), ", "))
	}
	l := languages[i]
	for _, other := range languages {
		path := filepath.Join(h.Dir, other.entry(h.Name))
		if _, err := os.Lstat(path); err == nil {
			return nil, fmt.Errorf("%s: %w", path, ErrExists)
		}
	}
	created := &Created{Entry: filepath.Join(h.Dir, l.entry(h.Name))}
	for _, out := range l.outputs(h) {
		path := filepath.Join(h.Dir, out.path)
		if err := out.write(path, h); err != nil {
			return nil, errors.Join(err, removeAll(created.Files))
		}
		created.Files = append(created.Files, path)
	}
	if l.name == "go" && h.GoSDK == "" {
		created.Prepare = []string{"go", "-C", created.Entry, "get", "github.com/jobrunner-dev/jobrunner/handler"}
	}
	if l.editor != nil {
		var err error
		if created.Support, err = l.editor(h.Dir); err != nil {
			return created, fmt.Errorf("the handler is written, but not what your editor needs: %w", err)
		}
	}
	return created, nil
}

func removeAll(files []string) (err error) {
	for _, file := range files {
		err = errors.Join(err, os.Remove(file))
	}
	return err
}

// write makes the file, which must not be there.
func (o output) write(path string, h Handler) error {
	// The languages' own braces stay what they are.
	parsed, err := template.New(o.template).Delims("[[", "]]").ParseFS(templates, "templates/"+o.template)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := parsed.Execute(&text, h); err != nil {
		return err
	}
	var mode fs.FileMode = 0o644
	if o.executable {
		mode = 0o755
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // sources are shared
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", path, ErrExists)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text.Bytes())
	return errors.Join(err, f.Close())
}
