package runtime

import (
	"bytes"
	"debug/buildinfo"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Languages of sources.
const (
	languageJavaScript = "javascript"
	languageTypeScript = "typescript"
	languagePython     = "python"
	languageGo         = "go"
	languageExecutable = "executable"
)

// languages of files by their ending.
var languages = map[string]string{
	".js": languageJavaScript, ".mjs": languageJavaScript, ".cjs": languageJavaScript,
	".ts": languageTypeScript, ".mts": languageTypeScript, ".cts": languageTypeScript,
	".py": languagePython, ".go": languageGo,
	".sh": "shell", ".bash": "shell", ".rb": "ruby", ".pl": "perl", ".php": "php",
}

// scriptInterpreters run scripts that have no execute bit, by their ending.
var scriptInterpreters = map[string]string{".sh": "sh", ".bash": "bash", ".rb": "ruby", ".pl": "perl", ".php": "php"}

// Language returns the language of a source that [Loader.Load] takes: a file of
// a known ending, a program that may be executed, or a folder with a Go module.
// It is "" for anything else.
func Language(path string) string {
	info, err := os.Stat(path)
	ending := strings.ToLower(filepath.Ext(path))
	switch {
	case err != nil:
		return languages[ending]
	case info.IsDir():
		if isFile(filepath.Join(path, "go.mod")) {
			return languageGo
		}
		return ""
	case ending == ".go":
		if !isGoProgram(path) {
			return ""
		}
		return languageGo
	case languages[ending] != "":
		return languages[ending]
	case info.Mode().IsRegular() && info.Mode()&0o111 != 0 && isProgram(path):
		if isGoBinary(path) {
			return languageGo
		}
		return languageExecutable
	}
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// isProgram looks at a file's first bytes, for there are disks on which every
// file may be executed.
func isProgram(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // it was only read
	first := make([]byte, 4)
	n, _ := io.ReadFull(f, first)
	first = first[:n]
	if bytes.HasPrefix(first, []byte("#!")) || string(first) == "\x7fELF" {
		return true
	}
	switch string(first) { // Mach-O, of one or of several processors
	case "\xcf\xfa\xed\xfe", "\xfe\xed\xfa\xcf", "\xca\xfe\xba\xbe":
		return true
	}
	return false
}

// isGoProgram tells a program from a file that others import. One that cannot
// be read as Go counts as a program, so that its author is told.
func isGoProgram(path string) bool {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly)
	return err != nil || file.Name.Name == "main"
}

// module is the path of our own Go module.
const module = "github.com/jobrunner-dev/jobrunner"

// isGoBinary reports whether a program was built from Go with the SDK, and so
// speaks the protocol.
func isGoBinary(path string) bool {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return false
	}
	if info.Main.Path == module {
		return true
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return true
		}
	}
	return false
}
