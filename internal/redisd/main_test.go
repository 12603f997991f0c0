package redisd_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/jobrunner-dev/jobrunner/internal/redisd"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

// ownerEnv makes this test program start a server in the directory it names,
// print its process id and URL, and then only live until it is killed.
const ownerEnv = "REDISD_TEST_OWNER_OF"

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerEnv); dir != "" {
		own(dir)
	}
	testenv.Main(m)
}

func own(dir string) {
	server, err := redisd.Start(context.Background(), redisd.Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stdout, server.PID(), server.URL())
	select {}
}
