package runtime_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// runModule loads a module and runs its handler with no data of interest.
func runModule(t *testing.T, path, name string) (string, *runtime.Loaded) {
	t.Helper()
	loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path})
	require.NoError(t, err)
	t.Cleanup(loaded.Host.Close)
	result, err := loaded.Host.Run(newJob(t, `{}`), name)
	require.NoError(t, err)
	return string(result), loaded
}

func TestEveryFileKnowsItsOwnPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "lib/place.ts", `export const here = [import.meta.url, import.meta.dirname, import.meta.filename];`)
	writeFile(t, dir, "lib/old.cjs", `module.exports = [__dirname, __filename, typeof require];`)
	writeFile(t, dir, "lib/own.mjs", `import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
const __filename = fileURLToPath(import.meta.url);
const __dirname = dirname(__filename);
export const own = [__dirname, __filename];`)
	path := writeFile(t, dir, "places.ts", `import { here } from "./lib/place";
import old from "./lib/old.cjs";
import { own } from "./lib/own.mjs";
export default () => [...here, ...old, ...own, import.meta.dirname];`)
	lib := filepath.Join(dir, "lib")
	result, _ := runModule(t, path, "places")
	require.JSONEq(t, `["file://`+lib+`/place.ts","`+lib+`","`+lib+`/place.ts","`+lib+`","`+lib+`/old.cjs","function","`+
		lib+`","`+lib+`/own.mjs","`+dir+`"]`, result)
}

// TestPackagesAreBundledOrLoadedFromWhereTheyLie has a package that reads a
// file of its own, one with native code, and one that esbuild cannot bundle.
func TestPackagesAreBundledOrLoadedFromWhereTheyLie(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pkg := func(name, manifest, index string) {
		writeFile(t, dir, "node_modules/"+name+"/package.json", manifest)
		writeFile(t, dir, "node_modules/"+name+"/index.js", index)
	}
	manifest := writeFile(t, dir, "package.json", `{"dependencies":{"reads":"1","native":"1","odd":"1"}}`)
	lock := writeFile(t, dir, "package-lock.json", `{"lockfileVersion":3}`)
	pkg("reads", `{"name":"reads"}`, `module.exports = require("fs").readFileSync(__dirname + "/data.txt", "utf8");`)
	writeFile(t, dir, "node_modules/reads/data.txt", "read")
	pkg("native", `{"name":"native","dependencies":{"bindings":"1"}}`, `module.exports = require("bindings")(module.filename);`)
	pkg("bindings", `{"name":"bindings"}`, `module.exports = (file) => require("path").basename(require("path").dirname(file));`)
	pkg("odd", `{"name":"odd"}`, `exports.odd = () => { try { return eval("require")("./gone.js"); } catch { return "odd"; } }; exports.never = () => require("./not-there.js");`)
	path := writeFile(t, dir, "uses.mjs", `import reads from "reads";
import native from "native";
import { odd } from "odd";
export default () => [reads, native, odd()];`)
	result, loaded := runModule(t, path, "uses")
	require.JSONEq(t, `["read","native","odd"]`, result)
	require.Equal(t, []string{lock, manifest, path}, loaded.Dependencies)

	hash := loaded.Hash
	writeFile(t, dir, "node_modules/reads/index.js", `module.exports = "another";`)
	result, loaded = runModule(t, path, "uses")
	require.JSONEq(t, `["another","native","odd"]`, result)
	require.NotEqual(t, hash, loaded.Hash, "a package's content is a part of the module's")
}

// TestANativeAddonIsLoaded builds one, for there is no other way to be sure.
func TestANativeAddonIsLoaded(t *testing.T) {
	t.Parallel()
	headers, err := exec.CommandContext(t.Context(), "node", "-p", `require("path").join(process.execPath, "../../include/node")`).Output()
	require.NoError(t, err)
	dir := t.TempDir()
	source := writeFile(t, dir, "addon.c", `#include <stddef.h>
typedef struct napi_env__* napi_env;
typedef struct napi_value__* napi_value;
extern int napi_create_int32(napi_env, int, napi_value*);
napi_value napi_register_module_v1(napi_env env, napi_value exports) {
	napi_value value = NULL;
	napi_create_int32(env, 42, &value);
	return value;
}
`)
	release := filepath.Join(dir, "node_modules", "addon", "build", "Release")
	require.NoError(t, os.MkdirAll(release, 0o755))
	cc := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-I", string(headers), "-o", filepath.Join(release, "addon.node"), source)
	out, err := cc.CombinedOutput()
	require.NoError(t, err, string(out))
	writeFile(t, dir, "node_modules/addon/package.json", `{"name":"addon","gypfile":true}`)
	writeFile(t, dir, "node_modules/addon/index.js", `module.exports = require("./build/Release/addon.node");`)
	path := writeFile(t, dir, "addon.ts", `import answer from "addon"; export default () => answer;`)
	result, _ := runModule(t, path, "addon")
	require.Equal(t, "42", result)
}

func TestTheSameContentHasTheSameHashAnywhere(t *testing.T) {
	t.Parallel()
	for file, text := range map[string]string{"greet.ts": greetTS, "greet.py": greetPython} {
		first, second := load(t, file, text), load(t, file, text)
		require.Equal(t, first.Hash, second.Hash, file)
	}
}
