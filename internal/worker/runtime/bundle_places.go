package runtime

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// placesPlugin answers what a file may ask of its own place (import.meta.url,
// __dirname, …) with where it lies, for the bundle lies elsewhere.
var placesPlugin = api.Plugin{Name: "places of files", Setup: func(build api.PluginBuild) {
	build.OnLoad(api.OnLoadOptions{Filter: `\.[cm]?[jt]sx?$`, Namespace: "file"}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
		text, err := os.ReadFile(args.Path)
		if err != nil || !asksForPlace.Match(text) {
			return api.OnLoadResult{}, nil // esbuild reads it, or says why it cannot
		}
		contents := string(withPlace(text, args.Path))
		return api.OnLoadResult{
			Contents: &contents, ResolveDir: filepath.Dir(args.Path), Loader: loaderOf(args.Path),
		}, nil
	})
}}

var (
	asksForPlace = regexp.MustCompile(`\b__dirname\b|\b__filename\b|\bimport\.meta\b`)
	asksForMeta  = regexp.MustCompile(`\bimport\.meta\.(?:url|dirname|filename)\b`)
	declares     = regexp.MustCompile(`\b(?:const|let|var)\s+[^;=]*\b(__dirname|__filename)\b`)
)

// withPlace lets a file's text name its place. What it asks of import.meta becomes
// a variable with a name of the same length, and all are declared in front of
// the first line, so that errors point at the places that the author sees.
func withPlace(text []byte, path string) []byte {
	text = asksForMeta.ReplaceAllFunc(text, func(match []byte) []byte {
		return bytes.ReplaceAll(match, []byte("."), []byte("_"))
	})
	declared := map[string]bool{}
	for _, match := range declares.FindAllSubmatch(text, -1) {
		declared[string(match[1])] = true
	}
	dir := filepath.Dir(path)
	var first bytes.Buffer
	for _, own := range [][2]string{
		{"__dirname", dir},
		{"__filename", path},
		{"import_meta_dirname", dir},
		{"import_meta_filename", path},
		{"import_meta_url", (&url.URL{Scheme: "file", Path: filepath.ToSlash(path)}).String()},
	} {
		if name := own[0]; !declared[name] && bytes.Contains(text, []byte(name)) {
			first.WriteString("var " + name + " = ")
			first.Write(quote(own[1]))
			first.WriteString("; ")
		}
	}
	if first.Len() == 0 {
		return text
	}
	if bytes.HasPrefix(text, []byte("#!")) { // a script's first line must stay the first
		if end := bytes.IndexByte(text, '\n'); end >= 0 {
			return bytes.Join([][]byte{text[:end+1], first.Bytes(), text[end+1:]}, nil)
		}
	}
	return append(first.Bytes(), text...)
}

// quote writes a string as JavaScript does.
func quote(s string) []byte {
	text, _ := json.Marshal(s) // a string always encodes
	return text
}

func loaderOf(path string) api.Loader {
	switch ending := filepath.Ext(path); {
	case ending == ".tsx":
		return api.LoaderTSX
	case ending == ".jsx":
		return api.LoaderJSX
	case strings.HasSuffix(ending, "ts"):
		return api.LoaderTS
	default:
		return api.LoaderJS
	}
}
