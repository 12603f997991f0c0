package testenv

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

var cleanup struct {
	sync.Mutex
	funcs []func() // guarded by Mutex
}

// OnExit registers what [Main] does when all tests have run, last first.
func OnExit(f func()) {
	cleanup.Lock()
	defer cleanup.Unlock()
	cleanup.funcs = append(cleanup.funcs, f)
}

// Main runs a package's tests, fails if they leave goroutines behind, and ends
// the servers they used. Call it from TestMain of every package that uses one:
//
//	func TestMain(m *testing.M) { testenv.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	cleanup.Lock()
	for _, f := range slices.Backward(cleanup.funcs) {
		f()
	}
	cleanup.Unlock()
	if code == 0 {
		if err := goleak.Find(
			goleak.IgnoreAnyFunction("os/exec.(*Cmd).watchCtx.func1"),
			// A client that was closed while it looked at the server's topology
			// leaves a timer of at most a second behind.
			goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"),
			// A cluster's client keeps connections to nodes that left for 5 s.
			goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"),
			goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient).redirectOrNew.func1"),
		); err != nil {
			fmt.Fprintln(os.Stderr, "goroutines left behind:", err)
			code = 1
		}
	}
	os.Exit(code)
}
