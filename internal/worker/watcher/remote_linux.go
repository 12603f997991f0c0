package watcher

import (
	"slices"

	"golang.org/x/sys/unix"
)

// remoteFilesystems are those whose files others may change without this
// machine's kernel seeing it: of other hosts, of a virtual machine's host, and
// those that a program provides.
var remoteFilesystems = []int64{
	unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.NCP_SUPER_MAGIC,
	unix.AFS_SUPER_MAGIC, unix.CODA_SUPER_MAGIC, unix.CEPH_SUPER_MAGIC, unix.OCFS2_SUPER_MAGIC,
	unix.V9FS_MAGIC, unix.FUSE_SUPER_MAGIC,
	0x786f4256, // VirtualBox' shared folders
	0xbacbacbc, // VMware's
}

// remote reports whether a directory is on such a filesystem.
func remote(dir string) bool {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return false
	}
	return isRemote(int64(stat.Type)) //nolint:unconvert // the field's type differs between architectures
}

func isRemote(filesystem int64) bool {
	// On 32 bits the number is signed.
	return slices.Contains(remoteFilesystems, filesystem&0xffffffff)
}
