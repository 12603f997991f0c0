package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strconv"
	"strings"
)

const (
	indexName = "index.html"

	// Vite puts a content hash into the name of everything below assets, so
	// such a file never changes under its name.
	hashedPrefix = "assets/"

	cacheForever    = "public, max-age=31536000, immutable"
	cacheRevalidate = "no-cache"
)

// variant is one encoding of a file's bytes.
type variant struct {
	encoding string // as in Content-Encoding; empty for the file itself
	body     []byte
	etag     string
}

// asset is a file of the built client and its precompressed forms, which the
// build writes beside it as name.br and name.gz.
type asset struct {
	contentType  string
	cacheControl string
	plain        variant
	encoded      []variant // smallest first
}

func (a *asset) compressed() bool { return len(a.encoded) > 0 }

// choose returns the smallest variant that acceptEncoding allows.
func (a *asset) choose(acceptEncoding string) variant {
	for _, v := range a.encoded {
		if accepts(acceptEncoding, v.encoding) {
			return v
		}
	}
	return a.plain
}

// accepts reports whether an Accept-Encoding header names encoding with a
// weight above zero.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, parameter, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		weight, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
		if !ok {
			return true
		}
		q, err := strconv.ParseFloat(weight, 64)
		return err == nil && q > 0
	}
	return false
}

// loadAssets reads every file of dist once. The returned map's keys are
// slash-separated paths without a leading slash.
func loadAssets(dist fs.FS) (map[string]*asset, error) {
	assets := make(map[string]*asset)
	err := fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(path.Base(name), ".") || isCompressed(name) {
			return err
		}
		loaded, err := loadAsset(dist, name)
		if err != nil {
			return err
		}
		assets[name] = loaded
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("walk: %w", err)
	}
	return assets, nil
}

func isCompressed(name string) bool {
	return strings.HasSuffix(name, ".br") || strings.HasSuffix(name, ".gz")
}

func loadAsset(dist fs.FS, name string) (*asset, error) {
	plain, err := loadVariant(dist, name, "")
	if err != nil {
		return nil, err
	}
	loaded := &asset{contentType: contentType(name), cacheControl: cacheRevalidate, plain: plain}
	if strings.HasPrefix(name, hashedPrefix) {
		loaded.cacheControl = cacheForever
	}
	for _, form := range []struct{ suffix, encoding string }{{".br", "br"}, {".gz", "gzip"}} {
		encoded, err := loadVariant(dist, name+form.suffix, form.encoding)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		loaded.encoded = append(loaded.encoded, encoded)
	}
	return loaded, nil
}

func loadVariant(dist fs.FS, name, encoding string) (variant, error) {
	body, err := fs.ReadFile(dist, name)
	if err != nil {
		return variant{}, fmt.Errorf("read %s: %w", name, err)
	}
	sum := sha256.Sum256(body)
	return variant{encoding: encoding, body: body, etag: `"` + hex.EncodeToString(sum[:16]) + `"`}, nil
}

// contentType names the types the build produces itself rather than asking
// the machine, whose MIME table may be missing or wrong.
func contentType(name string) string {
	switch extension := path.Ext(name); extension {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".json", ".map":
		return "application/json"
	case ".webmanifest":
		return "application/manifest+json"
	case ".txt":
		return "text/plain; charset=utf-8"
	default:
		if known := mime.TypeByExtension(extension); known != "" {
			return known
		}
		return "application/octet-stream"
	}
}
