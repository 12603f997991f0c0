package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What Landlock calls reading and running, and what it added in later versions
// to all there is.
const (
	landlockRead = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	landlockV1   = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1
	landlockV2   = landlockV1 | unix.LANDLOCK_ACCESS_FS_REFER
	landlockV3   = landlockV2 | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	landlockV5   = landlockV3 | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	// landlockFile are the rights that mean something for a file that is no folder.
	landlockFile = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
)

// systemRead is what programs need of the system to run at all, to speak TLS, to
// resolve names and to tell the time. Nothing in it is anybody's data.
var systemRead = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/opt/homebrew",
	"/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
	"/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/ca-certificates.conf",
	"/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
	"/etc/services", "/etc/protocols", "/etc/mime.types", "/etc/os-release",
	"/run/systemd/resolve", "/run/NetworkManager/resolv.conf",
	"/etc/localtime", "/etc/timezone", "/etc/passwd", "/etc/group",
	"/etc/fonts", "/var/cache/fontconfig",
	"/proc", "/sys/devices/system/cpu", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage",
}

// systemWrite are devices that keep nothing.
var systemWrite = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// landlockVersion is the version of Landlock's interface, 0 where there is none.
func landlockVersion() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// restrictFiles puts the calling thread into a Landlock domain. Also a policy
// that grants all files gets one: what is in a domain cannot trace, read the
// memory and environment of, or send signals to what is outside of it, which
// the worker is.
func restrictFiles(s spec) error {
	version := landlockVersion()
	if version == 0 {
		return nil
	}
	attr := landlockAttr(s.Policy, version)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET,
		uintptr(unsafe.Pointer(&attr)), landlockAttrSize(version), 0) //nolint:gosec // the kernel reads it
	if errno != 0 {
		return fmt.Errorf("make rules: %w", errno)
	}
	defer func() { _ = unix.Close(int(fd)) }()
	if err := addRules(int(fd), s, attr.Handled_access_fs); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return fmt.Errorf("apply rules: %w", errno)
	}
	return nil
}

// landlockAttr says what the rules are about; of that, all is forbidden that no
// rule allows.
func landlockAttr(p Policy, version int) unix.LandlockRulesetAttr {
	var attr unix.LandlockRulesetAttr
	switch {
	case p.AllFiles:
		// Enough to be a domain, and allowed everywhere by a rule.
		attr.Handled_access_fs = unix.LANDLOCK_ACCESS_FS_EXECUTE
	case version >= 5:
		attr.Handled_access_fs = landlockV5
	case version >= 3:
		attr.Handled_access_fs = landlockV3
	case version == 2:
		attr.Handled_access_fs = landlockV2
	default:
		attr.Handled_access_fs = landlockV1
	}
	if !p.Network && version >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_SIGNAL
		if !p.Network {
			attr.Scoped |= unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		}
	}
	return attr
}

// landlockAttrSize is how much of the attributes a kernel of that version reads.
func landlockAttrSize(version int) uintptr {
	switch {
	case version >= 6:
		return unsafe.Offsetof(unix.LandlockRulesetAttr{}.Quiet_access_fs)
	case version >= 4:
		return unsafe.Offsetof(unix.LandlockRulesetAttr{}.Scoped)
	default:
		return unsafe.Offsetof(unix.LandlockRulesetAttr{}.Handled_access_net)
	}
}

func addRules(ruleset int, s spec, handled uint64) error {
	if s.Policy.AllFiles {
		return addRule(ruleset, "/", handled)
	}
	read, write := systemRead, systemWrite
	if s.ownSharedMemory {
		write = append(slices.Clip(write), sharedMemory)
	}
	for _, grant := range []struct {
		paths  []string
		access uint64
	}{
		{read, landlockRead & handled},
		{s.Policy.Read, landlockRead & handled},
		{write, handled},
		{s.Policy.Write, handled},
	} {
		for _, path := range grant.paths {
			if err := addRule(ruleset, path, grant.access); err != nil {
				return err
			}
		}
	}
	return nil
}

// addRule allows access to a path and all below it. A path that is not there
// allows nothing.
func addRule(ruleset int, path string, access uint64) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%s: a path that is granted must be absolute", path)
	}
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EACCES) {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = unix.Close(fd) }()
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if info.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= landlockFile
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	if _, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset),
		unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0); errno != 0 { //nolint:gosec // the kernel reads it
		return fmt.Errorf("allow %s: %w", path, errno)
	}
	return nil
}
