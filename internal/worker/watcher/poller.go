package watcher

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// poller notices changes by looking.
type poller struct {
	touched chan string

	mu   sync.Mutex
	dirs map[string]listing // guarded by mu
}

// listing is what a directory was last seen to hold, nil if it was not there.
type listing map[string]fileMark

// fileMark tells one content of a file from another without reading it.
type fileMark struct {
	size     int64
	modified time.Time
	mode     os.FileMode
}

func newPoller() *poller { return &poller{touched: make(chan string), dirs: map[string]listing{}} }

// watch looks at these directories and no others.
func (p *poller) watch(dirs []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.dirs, func(dir string, _ listing) bool { return !slices.Contains(dirs, dir) })
	for _, dir := range dirs {
		if _, ok := p.dirs[dir]; !ok {
			p.dirs[dir] = list(dir)
		}
	}
}

// add looks at a directory too.
func (p *poller) add(dir string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.dirs[dir]; !ok {
		p.dirs[dir] = list(dir)
	}
}

// run looks now and then, until ctx ends.
func (p *poller) run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, path := range p.look() {
			select {
			case p.touched <- path:
			case <-ctx.Done():
				return
			}
		}
	}
}

// look returns what has changed since the last look.
func (p *poller) look() []string {
	p.mu.Lock()
	dirs := maps.Clone(p.dirs)
	p.mu.Unlock()
	var touched []string
	for dir, before := range dirs {
		now := list(dir)
		touched = append(touched, before.changes(dir, now)...)
		p.mu.Lock()
		if _, still := p.dirs[dir]; still {
			p.dirs[dir] = now
		}
		p.mu.Unlock()
	}
	return touched
}

// changes lists the paths that differ between two listings of a directory.
func (before listing) changes(dir string, now listing) []string {
	if (before == nil) != (now == nil) {
		return []string{dir}
	}
	var touched []string
	for name, mark := range now {
		if old, ok := before[name]; !ok || old != mark {
			touched = append(touched, filepath.Join(dir, name))
		}
	}
	for name := range before {
		if _, ok := now[name]; !ok {
			touched = append(touched, filepath.Join(dir, name))
		}
	}
	return touched
}

// list looks at a directory. Links count as what they lead to.
func list(dir string) listing {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	found := make(listing, len(entries))
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if Ignored(path) {
			continue
		}
		if info, err := os.Stat(path); err == nil {
			found[e.Name()] = fileMark{info.Size(), info.ModTime(), info.Mode()}
		}
	}
	return found
}

func exists(dir string) bool {
	_, err := os.Stat(dir)
	return err == nil
}
