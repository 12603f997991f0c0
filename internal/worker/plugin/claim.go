package plugin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// stateDir is the folder within a plugin directory that the manager works in.
// Its name keeps watchers and [Find] away.
const stateDir = ".jobrunner"

// claimName is the file in it whose lock processes share or exclude each other by.
const claimName = "lock"

// claimWait is how long a claim is waited for. What is done under one are
// renames and small writes.
const claimWait = 30 * time.Second

// claim is a hold on a plugin directory, which ends with the process at the latest.
type claim struct{ file *os.File }

// claimToChange waits until nobody else uses the directory.
func claimToChange(ctx context.Context, dir string) (*claim, error) {
	return claimOwn(ctx, dir, syscall.LOCK_EX)
}

// claimToStage waits until nobody changes the directory.
func claimToStage(ctx context.Context, dir string) (*claim, error) {
	return claimOwn(ctx, dir, syscall.LOCK_SH)
}

// claimOwn claims a directory that this process may write to.
func claimOwn(ctx context.Context, dir string, how int) (*claim, error) {
	state := filepath.Join(dir, stateDir)
	if err := os.MkdirAll(state, folderMode); err != nil {
		return nil, fmt.Errorf("plugin directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(state, claimName), os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, fmt.Errorf("plugin directory: %w", err)
	}
	return takeClaim(ctx, f, how)
}

// claimToRead waits until nobody changes the directory. Where nothing was ever
// changed, or this process may not look, there is nothing to wait for.
func claimToRead(ctx context.Context, dir string) (*claim, error) {
	f, err := os.Open(filepath.Join(dir, stateDir, claimName))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("plugin directory: %w", err)
	}
	return takeClaim(ctx, f, syscall.LOCK_SH)
}

func takeClaim(ctx context.Context, f *os.File, how int) (*claim, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, claimWait,
		fmt.Errorf("another process has kept the plugin directory busy for %s", claimWait))
	defer cancel()
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		if err == nil {
			return &claim{f}, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", f.Name(), err), f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(context.Cause(ctx), f.Close())
		case <-time.After(5*time.Millisecond + rand.N(20*time.Millisecond)): //nolint:gosec // jitter is no secret
		}
	}
}

// release ends the claim. The file stays: to remove it would let two processes
// lock two different files of the same name.
func (c *claim) release() {
	if c != nil {
		_ = unlock(c.file) // the end of the process would do as well
	}
}

// unlock gives a lock up and closes its file. To close it would not be enough: a
// process that is being started right now has a copy for a moment.
func unlock(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}
