//go:build unix

package sandbox

import (
	"os"
	"os/signal"
	"syscall"
)

// heed ends the program when somebody asks the keeper to end.
func (k *keeper) heed() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	for range asked {
		k.kill()
	}
}
