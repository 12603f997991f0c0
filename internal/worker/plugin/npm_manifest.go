package plugin

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

const (
	npmManifest = "package.json"
	npmKeyword  = "bullmq-handler-plugin"
)

// npmPackage is the part of a package.json that says what a plugin offers. Its
// other members are npm's, so unknown ones are no mistake.
type npmPackage struct {
	Name        string          `json:"name"`
	Version     string          `json:"version"`
	Description string          `json:"description"`
	Author      json.RawMessage `json:"author"` // text, or an object with a name
	License     json.RawMessage `json:"license"`
	Main        string          `json:"main"`
	Keywords    []string        `json:"keywords"`
	Engines     json.RawMessage `json:"engines"` // an object, or what old packages made of it
	Plugin      struct {
		Handlers    []string        `json:"handlers"`
		Permissions json.RawMessage `json:"permissions"`
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
	p := &Plugin{
		Dir: dir, Name: m.Name, Version: m.Version, Description: m.Description,
		Author: named(m.Author, "name"), License: named(m.License, "type"), Engine: member(m.Engines, "jobrunner"),
	}
	if err := m.check(p); err != nil {
		return nil, fmt.Errorf("%s: %w", npmManifest, err)
	}
	entry, err := npmEntry(dir, m)
	if err != nil {
		return nil, err
	}
	p.Modules = []runtime.Module{{Path: filepath.Join(dir, "plugin.js"), Entry: entry}}
	return p, nil
}

// check checks what is ours of a package.json, and reads the permissions.
func (m *npmPackage) check(p *Plugin) error {
	if err := checkName(m.Name); err != nil {
		return err
	}
	if err := checkVersion(m.Version); err != nil {
		return err
	}
	if err := checkEngine(p.Engine); err != nil {
		return err
	}
	if len(m.Plugin.Permissions) == 0 {
		p.Permissions, p.Undeclared = unlimited(), true
		return nil
	}
	if err := decodeStrictly(m.Plugin.Permissions, &p.Permissions); err != nil {
		return fmt.Errorf("bullmqHandlerPlugin.permissions: %w", err)
	}
	return p.Permissions.normalize()
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

// named is a text, or the text that an object has as a member.
func named(raw json.RawMessage, name string) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return member(raw, name)
}

// member is the text that an object has as a member, "" if it has none.
func member(raw json.RawMessage, name string) string {
	var object map[string]json.RawMessage
	var text string
	if json.Unmarshal(raw, &object) != nil || json.Unmarshal(object[name], &text) != nil {
		return ""
	}
	return text
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func quote(s string) string {
	text, _ := json.Marshal(s) // a string always encodes
	return string(text)
}
