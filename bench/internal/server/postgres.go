package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const postgresUser = "bench"

// PostgresSettings are the server's settings that matter to speed. Like Redis
// here, it need not survive a crash.
var PostgresSettings = []string{
	"fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=512MB", "max_wal_size=4GB", "max_connections=300",
}

// Postgres is a PostgreSQL server with a cluster of its own.
type Postgres struct {
	URL  string
	Conn *pgx.Conn
	cmd  *exec.Cmd
	dir  string
}

// StartPostgres makes a cluster and starts it on a free port.
func StartPostgres(ctx context.Context) (*Postgres, error) {
	bin, err := findPostgres()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "jobrunner-bench-")
	if err != nil {
		return nil, err
	}
	s := &Postgres{dir: dir}
	if err := s.start(ctx, bin); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Postgres) start(ctx context.Context, bin string) error {
	credential, err := postgresCredential(s.dir)
	if err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", postgresUser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: credential}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	args := []string{"-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="}
	for _, setting := range PostgresSettings {
		args = append(args, "-c", setting)
	}
	s.cmd = exec.Command(filepath.Join(bin, "postgres"), args...) //nolint:noctx // Stop ends it, for a kill would leave its children
	s.cmd.Dir, s.cmd.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: credential}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.URL = (&url.URL{
		Scheme: "postgres", User: url.User(postgresUser), Host: "127.0.0.1:" + port, Path: "/postgres", RawQuery: "sslmode=disable",
	}).String()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if s.Conn, err = pgx.Connect(ctx, s.URL); err == nil {
			return nil
		}
	}
	return fmt.Errorf("PostgreSQL did not answer: %w", err)
}

// Stop ends the server, and with it Conn, and removes its cluster.
func (s *Postgres) Stop() {
	if s.cmd != nil && s.cmd.Process != nil {
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // ends at once, without a last checkpoint
		_ = s.cmd.Wait()
	}
	_ = os.RemoveAll(s.dir)
}

// Flush implements [Store].
func (s *Postgres) Flush(ctx context.Context) error {
	_, err := s.Conn.Exec(ctx, "TRUNCATE river_job; CHECKPOINT")
	return err
}

// Usage implements [Store]: the CPU time of all of the server's processes, and
// the size of the jobs' table with its indexes.
func (s *Postgres) Usage(ctx context.Context) (Usage, error) {
	u := Usage{CPU: TreeCPU(s.cmd.Process.Pid)}
	err := s.Conn.QueryRow(ctx, "SELECT pg_total_relation_size('river_job')").Scan(&u.Bytes)
	return u, err
}

// Version returns the server's version.
func (s *Postgres) Version(ctx context.Context) string {
	var version string
	if err := s.Conn.QueryRow(ctx, "SHOW server_version").Scan(&version); err != nil {
		return "unknown"
	}
	return version
}

// findPostgres returns the folder of the newest version's programs.
func findPostgres() (string, error) {
	var found []string
	for _, dir := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"} {
		matches, _ := filepath.Glob(filepath.Join(dir, "initdb"))
		found = append(found, matches...)
	}
	if len(found) > 0 {
		slices.Sort(found)
		return filepath.Dir(found[len(found)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("PostgreSQL is not installed: run scripts/install postgres, or leave river out of --engines")
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	return filepath.Dir(path), nil
}

// postgresCredential returns whom the server runs as and gives the folder to
// them: PostgreSQL refuses to run as root.
func postgresCredential(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}
