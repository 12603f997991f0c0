package runtime

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// cache keeps what was found out about sources, so that a worker need not start
// a process to describe each of them, nor compile them again. What it lacks, or
// what is damaged, is made again.
type cache struct{ dir string }

// cacheTTL is how long an entry that nobody uses stays.
const cacheTTL = 14 * 24 * time.Hour

func newCache(dir string) (*cache, error) {
	c := &cache{dir}
	for _, kind := range []string{"descriptions", "inputs", "programs"} {
		if err := os.MkdirAll(filepath.Join(dir, kind), 0o700); err != nil {
			return nil, fmt.Errorf("cache directory: %w", err)
		}
	}
	c.prune()
	return c, nil
}

// prune removes what was not used for long.
func (c *cache) prune() {
	entries, _ := filepath.Glob(filepath.Join(c.dir, "*", "*"))
	for _, entry := range entries {
		if info, err := os.Stat(entry); err == nil && time.Since(info.ModTime()) > cacheTTL {
			_ = os.RemoveAll(entry) // the next prune tries again
		}
	}
}

// description returns how a module of that content has described itself.
func (c *cache) description(key string) (*description, bool) {
	var d description
	if !c.read("descriptions", key, &d) || d.Protocol != protocolVersion {
		return nil, false
	}
	return &d, true
}

func (c *cache) putDescription(key string, d *description) error {
	return c.write("descriptions", key, d)
}

// inputs returns the files that a source was made of when it was last loaded.
func (c *cache) inputs(source string) []string {
	var files []string
	if !c.read("inputs", hashText(source), &files) {
		return nil
	}
	return files
}

func (c *cache) putInputs(source string, files []string) error {
	return c.write("inputs", hashText(source), files)
}

// program is where a program built from that content is, or is to be.
func (c *cache) program(key string) (path string, exists bool) {
	path = filepath.Join(c.dir, "programs", key)
	if !isFile(path) {
		return path, false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // it lives on for being used
	return path, true
}

func (c *cache) read(kind, key string, v any) bool {
	path := filepath.Join(c.dir, kind, key+".json")
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, v) != nil {
		return false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // it lives on for being used
	return true
}

// write replaces an entry as a whole, for other workers may share the cache.
func (c *cache) write(kind, key string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	f, err := os.CreateTemp(filepath.Join(c.dir, kind), ".new-*")
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, kind, key+".json"))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // it is of no use
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}

func hashText(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d\x00%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// hashFiles returns a digest of the files' contents.
func hashFiles(paths []string) (string, error) {
	h := sha256.New()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("read the module's files: %w", err)
		}
		_, _ = h.Write([]byte{0})
		size, err := io.Copy(h, f)
		_ = f.Close() // it was only read
		if err != nil {
			return "", fmt.Errorf("read the module's files: %w", err)
		}
		_, _ = fmt.Fprintf(h, "\x00%d", size)
	}
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}
