package sandbox

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAProgramThatIsBeingWrittenIsWaitedFor(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "program.sh")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o700)
	require.NoError(t, err)
	_, err = f.WriteString("#!/bin/sh\necho complete\n")
	require.NoError(t, err)
	c, out := shell(t, Default(), "")
	c.Path, c.Args = path, nil
	started := make(chan error)
	go func() { started <- c.Start() }()
	select {
	case err := <-started:
		require.FailNow(t, "it started while it was open", "%v", err)
	case <-time.After(100 * time.Millisecond):
	}
	require.NoError(t, f.Close())
	require.NoError(t, <-started)
	require.NoError(t, c.Wait())
	require.Equal(t, "complete\n", out.String())
}
