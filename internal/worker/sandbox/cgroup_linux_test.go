package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheOwnGroupIsFoundBelowItsMount(t *testing.T) {
	t.Parallel()
	const (
		alone  = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		hybrid = "30 24 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw\n"
		inside = "30 24 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
	)
	tests := map[string]struct{ memberships, mounts, want string }{
		"service":              {"0::/system.slice/jobrunner.service\n", alone, "/sys/fs/cgroup/system.slice/jobrunner.service"},
		"both versions":        {"4:memory:/some/where\n0::/user.slice\n", hybrid, "/sys/fs/cgroup/unified/user.slice"},
		"root":                 {"0::/\n", alone, "/sys/fs/cgroup"},
		"container":            {"0::/docker/abc/inner\n", inside, "/sys/fs/cgroup/inner"},
		"outside of the mount": {"0::/other\n", inside, ""},
		"version 1 only":       {"4:memory:/some/where\n", "30 24 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := groupDir(tt.memberships, tt.mounts)
			if tt.want == "" {
				require.ErrorIs(t, err, errNoGroups)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

// files makes a directory with the named files, such as a control group has.
func files(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	return dir
}

func TestLimitsAreWrittenAsTheKernelReadsThem(t *testing.T) {
	t.Parallel()
	p := Policy{Memory: 64 << 20, CPU: 1.5, Processes: 10}
	all := map[string]bool{"memory": true, "cpu": true, "pids": true}
	dir := files(t, "memory.max", "memory.oom.group", "memory.swap.max", "cpu.max", "pids.max")
	require.NoError(t, (&group{path: dir}).bound(p, all))
	for file, want := range map[string]string{
		"memory.max": "67108864", "memory.oom.group": "1", "memory.swap.max": "0", "cpu.max": "150000 100000", "pids.max": "26",
	} {
		got, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		require.Equal(t, want, string(got), file)
	}
	require.ErrorIs(t, (&group{path: t.TempDir()}).bound(p, all), os.ErrNotExist, "a limit that cannot be set is no limit")
	require.NoError(t, (&group{path: t.TempDir()}).bound(p, nil), "what the kernel does not control is not tried")
	require.NoError(t, (&group{path: t.TempDir()}).bound(Policy{}, all), "what is not limited is not written")
}

func TestTheKernelsCountOfKillsTellsThatMemoryRanOut(t *testing.T) {
	t.Parallel()
	for events, want := range map[string]bool{
		"low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n": true,
		"low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\noom_group_kill 0\n": false,
		"": false,
	} {
		dir := files(t, "memory.events")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "memory.events"), []byte(events), 0o600))
		require.Equal(t, want, (&group{path: dir}).outOfMemory())
	}
	var none *group
	require.False(t, none.outOfMemory())
}

func TestAGroupIsVacatedThatNobodyElseIsIn(t *testing.T) {
	t.Parallel()
	host := support()
	if host.groups == nil {
		require.Error(t, host.noGroups)
		return
	}
	dir := filepath.Join(host.groups.own, "test-"+strconv.Itoa(os.Getpid()))
	require.NoError(t, os.Mkdir(dir, 0o755))
	leaf := filepath.Join(dir, workerGroup)
	members := func(group string) string {
		text, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
		require.NoError(t, err)
		return strings.TrimSpace(string(text))
	}
	ours := exec.Command("sleep", "1000")
	require.NoError(t, ours.Start())
	t.Cleanup(func() {
		require.NoError(t, ours.Process.Kill())
		require.Error(t, ours.Wait())
		require.NoError(t, removeGroup(leaf))
		require.NoError(t, removeGroup(dir))
	})
	pid := strconv.Itoa(ours.Process.Pid)
	require.NoError(t, writeGroup(dir, "cgroup.procs", pid))
	require.NoError(t, vacate(dir))
	require.Empty(t, members(dir))
	require.Equal(t, pid, members(leaf))

	// The test's own parent is none of those that it may move.
	require.False(t, descends(os.Getppid()))
	require.ErrorContains(t, vacate(host.groups.own), "is in the group too")
}

// TestWhatAKilledWorkerLeftInItsGroupsIsEnded makes what such a worker leaves:
// groups that name a process that is gone, and processes in them.
func TestWhatAKilledWorkerLeftInItsGroupsIsEnded(t *testing.T) {
	t.Parallel()
	host := support()
	if host.groups == nil {
		require.Error(t, host.noGroups) // nothing can be left where nothing can be made
		return
	}
	gone := exec.Command("true")
	require.NoError(t, gone.Run())
	base := filepath.Join(host.groups.own, groupPrefix+strconv.Itoa(gone.Process.Pid)+"-1")
	require.NoError(t, os.MkdirAll(filepath.Join(base, "1"), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(base, "2"), 0o755))
	t.Cleanup(func() {
		_ = writeGroup(base, "cgroup.kill", "1") // only if the test failed
		_, _, _ = os.Remove(filepath.Join(base, "1")), os.Remove(filepath.Join(base, "2")), os.Remove(base)
	})
	left := exec.Command("sleep", "1000")
	require.NoError(t, left.Start())
	require.NoError(t, writeGroup(filepath.Join(base, "1"), "cgroup.procs", strconv.Itoa(left.Process.Pid)))
	ended := make(chan error, 1)
	go func() { ended <- left.Wait() }()

	sweepGroups(host.groups.own)
	require.EqualError(t, <-ended, "signal: killed")
	require.NoDirExists(t, base)

	// The groups of a worker that lives stay, as do the processes in them.
	c, _ := shell(t, Default(), "exec sleep 1000")
	c.host = &hostSupport{groups: host.groups, landlock: host.landlock}
	require.NoError(t, c.Start())
	sweepGroups(host.groups.own)
	members, err := os.ReadFile(filepath.Join(c.group.path, "cgroup.procs"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(strings.Fields(string(members))), 2, "the keeper and its program")
	c.Kill()
	require.ErrorContains(t, c.Wait(), "killed")
	require.NoDirExists(t, c.group.path)
}

func TestSupportNamesWhatIsInForce(t *testing.T) {
	t.Parallel()
	full := &hostSupport{
		namespaces: true, userNamespace: true, landlock: 7,
		groups: &groups{controllers: map[string]bool{"memory": true, "cpu": true, "pids": true}},
	}
	require.Equal(t, Support{
		Memory: "cgroup v2", CPU: "cgroup v2", Processes: "cgroup v2", Files: "Landlock, version 7",
		Network: "seccomp and Landlock", Tree: "a process id namespace in a user namespace, and cgroup.kill", Confined: true,
	}, full.describe())
	bare := (&hostSupport{noGroups: errNoGroups}).describe()
	require.False(t, bare.Confined)
	require.Equal(t, "nothing: the kernel has no Landlock", bare.Files)
	require.Equal(t, "nothing: there are no control groups of version 2", bare.Processes)
	require.Equal(t, "the keeper, which takes in orphans", bare.Tree)
	require.NotEmpty(t, Check().Tree)
}
