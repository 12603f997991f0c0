package plugin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/Masterminds/semver/v3"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// Manifest is the name of the file that makes a folder a plugin.
const Manifest = "jobrunner-plugin.json"

// maxModules bounds how many handler modules a plugin may have.
const maxModules = 256

// ownManifest is the content of a [Manifest]; docs/plugins.md describes it.
type ownManifest struct {
	Schema      string      `json:"$schema"` // for editors
	Name        string      `json:"name"`
	Version     string      `json:"version"`
	Description string      `json:"description"`
	Author      string      `json:"author"`
	License     string      `json:"license"`
	Homepage    string      `json:"homepage"`
	Handlers    []string    `json:"handlers"`
	Permissions Permissions `json:"permissions"`
	Engines     struct {
		JobRunner string `json:"jobrunner"`
	} `json:"engines"`
}

func parseOwn(dir string, text []byte) (*Plugin, error) {
	var m ownManifest
	if err := decodeStrictly(text, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", Manifest, err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", Manifest, err)
	}
	p := &Plugin{
		Dir: dir, Name: m.Name, Version: m.Version, Description: m.Description, Author: m.Author, License: m.License,
		Permissions: m.Permissions, Engine: m.Engines.JobRunner,
	}
	for _, file := range m.Handlers {
		p.Modules = append(p.Modules, runtime.Module{Path: filepath.Join(dir, filepath.FromSlash(file))})
	}
	return p, nil
}

func (m *ownManifest) check() error {
	if m.Name == "" || len(m.Handlers) == 0 {
		return errors.New("a name is needed, and handlers: a list of files")
	}
	if err := checkName(m.Name); err != nil {
		return err
	}
	if len(m.Handlers) > maxModules {
		return fmt.Errorf("%d handler files are too many: at most %d are allowed", len(m.Handlers), maxModules)
	}
	for _, file := range m.Handlers {
		if !filepath.IsLocal(filepath.FromSlash(file)) {
			return fmt.Errorf("handler file %q lies outside of the plugin", file)
		}
	}
	if err := checkVersion(m.Version); err != nil {
		return err
	}
	if err := checkEngine(m.Engines.JobRunner); err != nil {
		return err
	}
	return m.Permissions.normalize()
}

func checkVersion(version string) error {
	if version == "" {
		return errors.New(`a version is needed, such as "1.0.0"`)
	}
	if _, err := semver.StrictNewVersion(version); err != nil {
		return fmt.Errorf(`version %q is not a semantic version such as "1.0.0"`, version)
	}
	return nil
}

func checkEngine(engine string) error {
	if engine == "" {
		return nil
	}
	if _, err := semver.NewConstraint(engine); err != nil {
		return fmt.Errorf(`engines.jobrunner %q is not a range of versions such as ">=1.2 <2"`, engine)
	}
	return nil
}

// EngineError says that a plugin is made for other versions of JobRunner.
type EngineError struct {
	Plugin string
	// Wanted is the plugin's range, Running this program's version.
	Wanted, Running string
}

// Error names both.
func (e *EngineError) Error() string {
	return fmt.Sprintf("plugin %s is made for JobRunner %s; this is %s", e.Plugin, e.Wanted, e.Running)
}

// checkHost returns an [*EngineError] if the plugin is not made for a version
// of JobRunner. A build without a released version takes every plugin.
func (p *Plugin) checkHost(version string) error {
	if p.Engine == "" || !isReleased(version) {
		return nil
	}
	running, err := semver.NewVersion(version)
	if err != nil {
		return err
	}
	wanted, err := semver.NewConstraint(p.Engine)
	if err != nil {
		return err
	}
	wanted.IncludePrerelease = true
	if !wanted.Check(running) {
		return &EngineError{Plugin: p.Name, Wanted: p.Engine, Running: version}
	}
	return nil
}

// isReleased reports whether a version is a semantic one, and not what Go makes
// up for a commit without a tag before it.
func isReleased(version string) bool {
	v, err := semver.NewVersion(version)
	return err == nil && (v.Major() > 0 || v.Minor() > 0 || v.Patch() > 0)
}

// decodeStrictly reads one JSON value with no unknown members and nothing after it.
func decodeStrictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the end of the JSON value")
	}
	return nil
}
