// Jobrunner runs background jobs: the backend, the worker and the web client in one program.
package main

import (
	"os"
	_ "time/tzdata" // Schedules have zones, and a bare container knows none.

	"github.com/jobrunner-dev/jobrunner/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.OSProcess()))
}
