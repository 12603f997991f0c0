package runtime_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jobrunner-dev/jobrunner/handler"
	"github.com/jobrunner-dev/jobrunner/handler/handlertest"
	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

// BenchmarkWarmProcess measures what a child process adds to a job with 1 KB of
// data: one job after the other, and 50 at once.
func BenchmarkWarmProcess(b *testing.B) {
	data := json.RawMessage(`"` + strings.Repeat("x", 1022) + `"`)
	for file, text := range map[string]string{
		"echo.mjs": "export default (job) => job.data;",
		"echo.py":  "from jobrunner import handler\n\n@handler()\nasync def echo(job):\n    return job.data\n",
		"echo.go":  echoGo,
	} {
		path := filepath.Join(b.TempDir(), file)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		loader, err := runtime.NewLoader(runtime.LoaderOptions{CacheDir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			b.Fatal(err)
		}
		loaded, err := loader.Load(b.Context(), runtime.Module{Path: path})
		if err != nil {
			b.Fatal(err)
		}
		run := func() {
			job := handlertest.New(context.Background(), handler.Job{Name: "echo", Data: data})
			if _, err := loaded.Host.Run(job, "echo"); err != nil {
				b.Error(err)
			}
		}
		b.Run(file+"/one", func(b *testing.B) {
			for b.Loop() {
				run()
			}
		})
		b.Run(file+"/fifty", func(b *testing.B) {
			b.SetParallelism(25) // times 2 cores
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					run()
				}
			})
		})
		loaded.Host.Close()
		if err := loader.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

const echoGo = `package main

import (
	"encoding/json"

	"github.com/jobrunner-dev/jobrunner/handler"
)

func echo(_ handler.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil }

func main() { handler.Main(handler.Must(handler.New("echo", echo, nil))) }
`

// BenchmarkProgram measures a program that is started for each job.
func BenchmarkProgram(b *testing.B) {
	path := filepath.Join(b.TempDir(), "cat.sh")
	if err := os.WriteFile(path, []byte("cat\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	loader, err := runtime.NewLoader(runtime.LoaderOptions{CacheDir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	loaded, err := loader.Load(b.Context(), runtime.Module{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		job := handlertest.New(context.Background(), handler.Job{Name: "cat", Data: json.RawMessage("1")})
		if _, err := loaded.Host.Run(job, "cat"); err != nil {
			b.Fatal(err)
		}
	}
	loaded.Host.Close()
	if err := loader.Close(); err != nil {
		b.Fatal(err)
	}
}
