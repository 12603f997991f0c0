package runtime_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

const greetGo = `package main

import (
	"errors"
	"time"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/handler"
)

type greeting struct {
	Name string ` + "`json:\"name\"`" + `
}

func greet(ctx handler.Context, in greeting) (map[string]any, error) {
	switch in.Name {
	case "panic":
		panic("oh no")
	case "error":
		return nil, errors.New("no paper left")
	case "unrecoverable":
		return nil, bullmq.Unrecoverable(errors.New("never again"))
	case "delay":
		return nil, bullmq.DelayJob(1500 * time.Millisecond)
	case "wait":
		return nil, bullmq.WaitForChildren()
	case "release":
		return nil, bullmq.ReleaseJob()
	case "limit":
		return nil, bullmq.RateLimitJob(2 * time.Second)
	case "stop":
		ctx.Log("ready")
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ctx.Logf("greeting %s", in.Name)
	ctx.Progress(map[string]int{"step": 1})
	return map[string]any{"hello": in.Name, "attempt": ctx.Job().Attempt, "at": ctx.Job().Timestamp.UnixMilli()}, nil
}

func main() {
	handler.Main(handler.Must(handler.New("greet", greet, &handler.Options{
		Version: "1.2.0", Description: "Greets somebody", Defaults: handler.Defaults{Attempts: 3, Timeout: 5 * time.Second},
	})))
}
`

// builtGo is greet.go loaded by workers one after the other that share a cache.
type builtGo struct {
	t     *testing.T
	path  string
	cache string
}

func (g *builtGo) load() (*runtime.Loaded, error) {
	g.t.Helper()
	loaded, err := newLoaderWith(g.t, func(o *runtime.LoaderOptions) { o.CacheDir = g.cache }).
		Load(g.t.Context(), runtime.Module{Path: g.path})
	if err == nil {
		g.t.Cleanup(loaded.Host.Close)
	}
	return loaded, err
}

// programs are those in the cache.
func (g *builtGo) programs() []string {
	g.t.Helper()
	found, err := filepath.Glob(filepath.Join(g.cache, "programs", "*"))
	require.NoError(g.t, err)
	return found
}

func TestASingleGoFileIsBuiltOnce(t *testing.T) {
	t.Parallel()
	g := &builtGo{t: t, path: writeFile(t, t.TempDir(), "greet.go", greetGo), cache: t.TempDir()}
	first, err := g.load()
	require.NoError(t, err)
	require.Equal(t, "go", first.Language)
	require.Equal(t, "1.2.0", first.Handlers[0].Version)
	require.Equal(t, int64(5000), first.Handlers[0].Defaults.TimeoutMS)
	require.Contains(t, first.Dependencies, g.path)
	require.Len(t, g.programs(), 1)

	job := newJob(t, `{"name":"Zoë"}`)
	result, err := first.Host.Run(job, "greet")
	require.NoError(t, err)
	require.JSONEq(t, `{"hello":"Zoë","attempt":2,"at":1700000000000}`, string(result))
	require.Equal(t, []string{"greeting Zoë"}, job.Logged())
	require.Equal(t, []string{`{"step":1}`}, job.Reported())
	requireGoErrors(t, first)

	second, err := g.load()
	require.NoError(t, err)
	require.Equal(t, first.Hash, second.Hash)
	require.Len(t, g.programs(), 1, "what was built is used again")
	requireDescribesItself(t, g.programs()[0])
	require.NoError(t, os.Remove(g.programs()[0]))
	result, err = second.Host.Run(job, "greet")
	require.NoError(t, err)
	require.NotEmpty(t, result, "the cache may drop it")

	writeFile(t, filepath.Dir(g.path), "greet.go", greetGo+"\nchanged\n")
	_, err = g.load()
	require.Equal(t, 47, loadError(t, err).Line, "it is built again once it has changed")
}

// requireGoErrors has greet fail in each way.
func requireGoErrors(t *testing.T, loaded *runtime.Loaded) {
	t.Helper()
	for name, want := range map[string]string{
		"panic": "panic: oh no", "error": "no paper left", "unrecoverable": "never again", "delay": "job is delayed for 1.5s",
		"wait": "job waits for its children", "release": "job goes back to wait", "limit": "queue is rate limited for 2s",
	} {
		_, err := loaded.Host.Run(newJob(t, `{"name":"`+name+`"}`), "greet")
		require.EqualError(t, err, want)
		require.Equal(t, name == "unrecoverable", bullmq.IsUnrecoverable(err))
		if name == "panic" {
			var named *bullmq.NamedError
			require.ErrorAs(t, err, &named)
			require.Contains(t, named.Stack, "greet.go:")
		}
	}
	_, err := loaded.Host.Run(newJob(t, `{"name":5}`), "greet")
	require.ErrorContains(t, err, "the job's data does not fit the handler")
	require.True(t, bullmq.IsUnrecoverable(err))
}

// requireDescribesItself runs a program of handlers as its author would by hand.
func requireDescribesItself(t *testing.T, program string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, "--describe").Output()
	require.NoError(t, err)
	var described []runtime.Described
	require.NoError(t, json.Unmarshal(out, &described))
	require.Equal(t, "greet", described[0].Name)

	byHand := exec.CommandContext(t.Context(), program)
	byHand.Stdin, err = os.Open(os.DevNull) // a character device, as a terminal is
	require.NoError(t, err)
	out, err = byHand.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "jobrunner handler run")
}

func TestAGoFolderAndItsBinaryAreHandlers(t *testing.T) {
	t.Parallel()
	sdk, _ := runtime.FindGoSDK("")
	require.NotEmpty(t, sdk)
	dir := filepath.Join(t.TempDir(), "sums")
	writeFile(t, dir, "go.mod", "module example.com/sums\n\ngo 1.26.0\n")
	writeFile(t, dir, "go.work", "go 1.26.0\n\nuse (\n\t.\n\t"+sdk+"\n)\n")
	writeFile(t, dir, "add/add.go", "package add\n\nfunc Add(a, b int) int { return a + b }\n")
	writeFile(t, dir, "main.go", `package main

import (
	"example.com/sums/add"
	"github.com/jobrunner-dev/jobrunner/handler"
)

func main() {
	handler.Main(handler.Must(handler.New("sum", func(ctx handler.Context, in [2]int) (int, error) {
		return add.Add(in[0], in[1]), nil
	}, nil)))
}
`)
	cache := t.TempDir()
	sum := func(path string) *runtime.Loaded {
		loaded, err := newLoaderWith(t, func(o *runtime.LoaderOptions) { o.CacheDir = cache }).
			Load(t.Context(), runtime.Module{Path: path})
		require.NoError(t, err)
		t.Cleanup(loaded.Host.Close)
		result, err := loaded.Host.Run(newJob(t, `[40,2]`), "sum")
		require.NoError(t, err)
		require.Equal(t, "42", string(result))
		require.Equal(t, "go", loaded.Language)
		return loaded
	}
	require.Subset(t, sum(dir).Dependencies, []string{
		filepath.Join(dir, "add", "add.go"), filepath.Join(dir, "go.mod"), filepath.Join(dir, "main.go"),
	})
	built, err := filepath.Glob(filepath.Join(cache, "programs", "*"))
	require.NoError(t, err)
	require.Len(t, built, 1)
	binary := filepath.Join(t.TempDir(), "sums")
	require.NoError(t, os.Link(built[0], binary))
	require.Equal(t, []string{binary}, sum(binary).Dependencies)
}

func TestAGoCompileErrorNamesThePlace(t *testing.T) {
	t.Parallel()
	path := writeFile(t, t.TempDir(), "broken.go", "package main\n\nfunc main() {\n\tx := 1\n\ty()\n}\n")
	loaded, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path})
	failed := loadError(t, err)
	require.Equal(t, "declared and not used: x (and 1 more)", failed.Message)
	require.Equal(t, path, failed.File)
	require.Equal(t, 4, failed.Line)
	require.Equal(t, 2, failed.Column)
	require.Contains(t, failed.Frame, "> 4 |     x := 1\n    |     ^\n")
	require.Contains(t, loaded.Dependencies, path)
}

func TestAnImportThatGoRefusesNamesThePlace(t *testing.T) {
	t.Parallel()
	path := writeFile(t, t.TempDir(), "broken.go", `package main

import _ "github.com/jobrunner-dev/jobrunner/internal/cli"

func main() {}
`)
	_, err := newLoader(t).Load(t.Context(), runtime.Module{Path: path})
	failed := loadError(t, err)
	require.Contains(t, failed.Message, "use of internal package")
	require.Equal(t, path, failed.File)
	require.Equal(t, 3, failed.Line)
}

func TestAMissingToolchainIsSaidSo(t *testing.T) {
	t.Parallel()
	path := writeFile(t, t.TempDir(), "greet.go", greetGo)
	_, err := newLoaderWith(t, func(o *runtime.LoaderOptions) { o.Go = "go-of-the-moon" }).
		Load(t.Context(), runtime.Module{Path: path})
	require.ErrorContains(t, err, `need "go-of-the-moon", which is not installed`)
}
