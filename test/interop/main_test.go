package interop

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// TestMain runs the tests, or, where a test has started this program again for
// it, a worker that may be killed.
func TestMain(m *testing.M) {
	if os.Getenv(doomedWorkerEnv) != "" {
		os.Exit(runDoomedWorker())
	}
	// The tests wait for each other's processes more than they compute.
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	testenv.Main(m)
}
