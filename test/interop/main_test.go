package interop

import (
	"os"
	"testing"

	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// TestMain runs the tests, or, where a test has started this program again for
// it, a worker that may be killed.
func TestMain(m *testing.M) {
	if os.Getenv(doomedWorkerEnv) != "" {
		os.Exit(runDoomedWorker())
	}
	testenv.Main(m)
}
