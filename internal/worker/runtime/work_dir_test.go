package runtime_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/worker/runtime"
)

func TestLoadersShareACacheAndRemoveWhatNobodyUses(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	// What a worker left that is gone, under a name that says nothing of it.
	abandoned := filepath.Join(cache, "worker-1-x")
	require.NoError(t, os.MkdirAll(filepath.Join(abandoned, "run-1"), 0o700))
	directories := func() []string {
		found, err := filepath.Glob(filepath.Join(cache, "worker-*"))
		require.NoError(t, err)
		return found
	}
	var loaders []*runtime.Loader
	for n := range 3 {
		l, err := runtime.NewLoader(runtime.LoaderOptions{CacheDir: cache, Logger: testLogger(t)})
		require.NoError(t, err)
		loaders = append(loaders, l)
		require.Len(t, directories(), n+1, "those in use stay, the other one is gone")
	}
	require.NoDirExists(t, abandoned)
	for _, l := range loaders {
		require.NoError(t, l.Close())
	}
	require.Empty(t, directories())
}
