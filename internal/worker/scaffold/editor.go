package scaffold

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	sdkjs "github.com/jobrunner-dev/jobrunner/sdk/js"
	sdkpython "github.com/jobrunner-dev/jobrunner/sdk/python"
)

// supportDir holds copies of the SDKs for editors. Workers have their own and
// pass over it, for its name begins with a dot.
const supportDir = ".sdk"

// tsconfig tells editors where the SDK's types are. Workers build without it.
const tsconfig = `{
  // For your editor only: workers build handlers without it.
  "compilerOptions": {
    "target": "es2023",
    "module": "esnext",
    "moduleResolution": "bundler",
    "strict": true,
    "allowJs": true,
    "checkJs": true,
    "noEmit": true,
    "skipLibCheck": true,
    "paths": { "@jobrunner/handler": ["./.sdk/js/index.d.ts"] }
  }
}
`

// pyright tells Pylance and pyright where the SDK is.
const pyright = `{
  "extraPaths": [".sdk/python"]
}
`

func supportTypeScript(dir string) ([]string, error) {
	if _, err := os.Stat(filepath.Join(dir, "jsconfig.json")); err == nil {
		return copySDK(dir, "js", sdkjs.Files, isDeclaration)
	}
	written, err := copySDK(dir, "js", sdkjs.Files, isDeclaration)
	return addConfig(written, filepath.Join(dir, "tsconfig.json"), tsconfig, err)
}

func supportPython(dir string) ([]string, error) {
	written, err := copySDK(dir, "python", sdkpython.Files, isPackage)
	return addConfig(written, filepath.Join(dir, "pyrightconfig.json"), pyright, err)
}

func isDeclaration(name string) bool { return strings.HasSuffix(name, ".d.ts") }

func isPackage(name string) bool { return strings.HasPrefix(name, "jobrunner/") }

// copySDK writes the SDK's files that an editor reads, over those of an older
// version. It returns their folder.
func copySDK(dir, name string, files fs.FS, wanted func(string) bool) ([]string, error) {
	target := filepath.Join(dir, supportDir, name)
	err := fs.WalkDir(files, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !wanted(file) {
			return err
		}
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(target, filepath.FromSlash(path.Dir(file))), 0o755); err != nil { //nolint:gosec // sources are shared
			return err
		}
		return os.WriteFile(filepath.Join(target, filepath.FromSlash(file)), text, 0o644) //nolint:gosec // as above
	})
	return []string{target}, err
}

// addConfig writes an editor's configuration unless there is one, which is its
// owner's to change.
func addConfig(written []string, file, text string, err error) ([]string, error) {
	if err != nil {
		return written, err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // as above
	if errors.Is(err, fs.ErrExist) {
		return written, nil
	}
	if err != nil {
		return written, err
	}
	_, err = f.WriteString(text)
	return append(written, file), errors.Join(err, f.Close())
}
