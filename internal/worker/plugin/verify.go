package plugin

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// listingsDir holds the lists of installed files, each named by its own
// checksum, so that one that was tampered with is told from a sound one.
const listingsDir = "files"

// ModifiedError says that a plugin is not as it was installed.
type ModifiedError struct {
	Plugin string
	// Changes are the files that differ; nil if that is not known.
	Changes []Change
	// Reason says more, "" if the changes say it all.
	Reason string
}

// Error names some files and the ways out.
func (e *ModifiedError) Error() string {
	what := e.Reason
	if what == "" {
		what = describeChanges(e.Changes)
	}
	return fmt.Sprintf("plugin %s is not as it was installed: %s; "+
		"`jobrunner plugin verify` lists the changes, `jobrunner plugin update %s --force` puts it back", e.Plugin, what, e.Plugin)
}

func (m *Manager) listingPath(checksum string) string { return listingPath(m.dir, checksum) }

func listingPath(dir, checksum string) string {
	return filepath.Join(dir, stateDir, listingsDir, strings.TrimPrefix(checksum, checksumPrefix)+".txt")
}

func (m *Manager) saveListing(files listing) error {
	path := m.listingPath(files.checksum())
	err := os.MkdirAll(filepath.Dir(path), folderMode)
	if err == nil {
		err = replaceFile(path, []byte(files.text()))
	}
	if err != nil {
		return fmt.Errorf("write the list of files: %w", err)
	}
	return nil
}

// dropListings removes the lists of plugins that are no longer installed.
func (m *Manager) dropListings(lock *Lock) {
	keep := map[string]bool{}
	for _, entry := range lock.Plugins {
		keep[m.listingPath(entry.Checksum)] = true
	}
	for _, path := range below(filepath.Join(m.dir, stateDir, listingsDir), "") {
		if !keep[path] {
			_ = os.Remove(path) // a list too many is untidy, no more
		}
	}
}

// maxListing bounds a list of files, in bytes.
const maxListing = 256 << 20

// loadListing returns the files of an installed plugin, and false if there is
// no sound list of them.
func loadListing(dir, checksum string) (listing, bool) {
	text, err := readSmall(listingPath(dir, checksum), maxListing)
	if err != nil || checksumOf(string(text)) != checksum {
		return nil, false
	}
	files, err := parseListing(string(text))
	return files, err == nil
}

// verifyFiles compares a plugin folder with what was installed, and returns the
// files as they are now. The error is a [*ModifiedError] if they differ.
func verifyFiles(dir, name string, entry Entry, limits Limits) (listing, error) {
	now, err := scan(pluginPath(dir, name), limits)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &ModifiedError{Plugin: name, Reason: "its folder is missing"}
	}
	if err != nil {
		return nil, err
	}
	if now.checksum() == entry.Checksum {
		return now, nil
	}
	installed, known := loadListing(dir, entry.Checksum)
	if !known {
		return now, &ModifiedError{Plugin: name}
	}
	return now, &ModifiedError{Plugin: name, Changes: compare(installed, now)}
}

func (m *Manager) verifyEntry(name string, entry Entry) error {
	_, err := verifyFiles(m.dir, name, entry, m.opts.Limits)
	return err
}
