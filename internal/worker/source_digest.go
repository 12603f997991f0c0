package worker

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jobrunner-dev/jobrunner/internal/catalogue"
	"github.com/jobrunner-dev/jobrunner/internal/worker/plugin"
	"github.com/jobrunner-dev/jobrunner/internal/worker/watcher"
)

// digestOf sums up the files of the source, and what is installed as it.
func (s source) digestOf(files []string) string {
	text := digest(files)
	if s.kind == catalogue.KindPlugin {
		text += plugin.Installed(s.path)
	}
	return text
}

// digest sums up the content of files, and the names in directories. Paths that
// cannot be read count as missing.
func digest(paths []string) string {
	h := sha256.New()
	for _, path := range paths {
		_, _ = fmt.Fprintf(h, "\x00%s\x00", path)
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		// To let a file be executed, or not, is a change too.
		_, _ = fmt.Fprintf(h, "%o\x00", info.Mode().Perm()&0o111)
		if info.IsDir() {
			_, _ = fmt.Fprintf(h, "%q", namesIn(path))
			continue
		}
		digestFile(h, path)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func digestFile(h io.Writer, path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	_, _ = io.Copy(h, f)
	_ = f.Close() // it was only read
}

// namesIn lists what authors have put into a directory.
func namesIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if !watcher.Ignored(filepath.Join(dir, e.Name())) {
			names = append(names, e.Name())
		}
	}
	return names
}

// changedSince reports whether one of the files was written at a time or later.
func changedSince(paths []string, at time.Time) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && !info.IsDir() && !info.ModTime().Before(at)
	})
}
