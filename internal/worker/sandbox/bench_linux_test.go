package sandbox

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// BenchmarkLaunch is the cost of a program that does nothing, from its start to
// its end, and the processor time that all its processes took.
func BenchmarkLaunch(b *testing.B) {
	b.Run("without a sandbox", func(b *testing.B) {
		launch(b, func() error { return exec.Command("/bin/true").Run() })
	})
	for name, host := range mechanisms() {
		for policy, p := range map[string]Policy{"trusted": Default(), "confined": {}} {
			b.Run(name+", "+policy, func(b *testing.B) {
				temp := b.TempDir()
				launch(b, func() error {
					c := &Cmd{Path: "/bin/true", Policy: p, TempRoot: temp, host: host}
					if err := c.Start(); err != nil {
						return err
					}
					return c.Wait()
				})
			})
		}
	}
}

func launch(b *testing.B, run func() error) {
	b.Helper()
	before := childrenTime(b)
	for b.Loop() {
		require.NoError(b, run())
	}
	b.ReportMetric(float64((childrenTime(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// childrenTime is the processor time of all processes that were waited for.
func childrenTime(b *testing.B) time.Duration {
	b.Helper()
	var usage unix.Rusage
	require.NoError(b, unix.Getrusage(unix.RUSAGE_CHILDREN, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
