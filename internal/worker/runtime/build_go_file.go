package runtime

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// singleFile prepares to build a file: in the module that it lies in or, if it
// lies in none, in one that has the SDK and nothing else.
func (g *goBuild) singleFile() error {
	path := g.module.Path
	g.dir, g.target = filepath.Dir(path), path
	if moduleRoot(g.dir) != "" {
		return nil
	}
	g.dir = filepath.Join(g.build.dir, "module")
	if err := os.Mkdir(g.dir, 0o700); err != nil {
		return fmt.Errorf("module directory: %w", err)
	}
	sdk, version := FindGoSDK(g.loader.opts.GoSDK)
	switch {
	case sdk != "":
		g.workspace = filepath.Join(g.dir, "go.work")
		work := fmt.Sprintf("go %s\n\nuse (\n\t.\n\t%s\n)\n", goVersion, strconv.Quote(sdk))
		if err := os.WriteFile(g.workspace, []byte(work), 0o600); err != nil {
			return fmt.Errorf("write go.work: %w", err)
		}
	case version == "":
		return errors.New("a single Go file is built with the source of JobRunner's Go module, which is not at hand: " +
			"say where it is (JOBRUNNER_GO_SDK), or put the handler into a folder with a go.mod of its own, " +
			"or build it elsewhere and put the program in its place")
	}
	mod := fmt.Sprintf("module handler\n\ngo %s\n", goVersion)
	if version != "" {
		mod += fmt.Sprintf("\nrequire %s %s\n", module, version)
	}
	if err := os.WriteFile(filepath.Join(g.dir, "go.mod"), []byte(mod), 0o600); err != nil {
		return fmt.Errorf("write go.mod: %w", err)
	}
	return nil
}

// goVersion is that of our own module, which what is built with it needs at least.
const goVersion = "1.26.0"

// moduleRoot is the folder of the Go module that a folder belongs to, "" if it
// belongs to none.
func moduleRoot(dir string) string {
	for ; !isFile(filepath.Join(dir, "go.mod")); dir = filepath.Dir(dir) {
		if filepath.Dir(dir) == dir {
			return ""
		}
	}
	return dir
}

// FindGoSDK finds the source of our own Go module, which handlers in Go are
// built with: where the caller or JOBRUNNER_GO_SDK says, around the working
// directory, or where this program was built. Else it returns the released
// version that this program was built from. Both are empty for a development
// version away from its source.
func FindGoSDK(override string) (dir, version string) {
	for _, dir := range []string{override, os.Getenv("JOBRUNNER_GO_SDK")} {
		if dir != "" {
			return dir, ""
		}
	}
	places := make([]string, 0, 2)
	if wd, err := os.Getwd(); err == nil {
		places = append(places, wd)
	}
	if _, file, _, ok := goruntime.Caller(0); ok && filepath.IsAbs(file) {
		places = append(places, filepath.Dir(file))
	}
	for _, place := range places {
		if root := moduleRoot(place); root != "" && isOurs(root) {
			return root, ""
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == module && strings.HasPrefix(info.Main.Version, "v") &&
		!strings.Contains(info.Main.Version, "+dirty") {
		return "", info.Main.Version
	}
	return "", ""
}

// isOurs reports whether a folder holds our own module.
func isOurs(root string) bool {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	return err == nil && strings.HasPrefix(string(text), "module "+module+"\n")
}
