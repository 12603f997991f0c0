package watcher

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestFilesystemsOfOtherMachinesAreKnown(t *testing.T) {
	t.Parallel()
	for _, filesystem := range []int64{unix.NFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC, unix.V9FS_MAGIC, int64(int32(-11317950))} {
		require.True(t, isRemote(filesystem), "%x", uint32(filesystem))
	}
	for _, filesystem := range []int64{unix.EXT4_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC} {
		require.False(t, isRemote(filesystem), "%x", filesystem)
	}
	require.False(t, remote("/nowhere/at/all"))
	require.False(t, remote("/proc"))
}
