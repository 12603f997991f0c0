package testenv

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
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresUser is the superuser of the test cluster, whoever runs it.
const postgresUser = "jobrunner"

var sharedPostgres = sync.OnceValues(startPostgres)

var schemas atomic.Int64

// Postgres returns the URL of a schema of the test's own, in a cluster that all
// tests of this process share. The schema goes away with the test.
func Postgres(tb testing.TB) string {
	tb.Helper()
	base, err := sharedPostgres()
	if err != nil {
		tb.Fatalf("testenv: %v", err)
	}
	schema := "t" + strconv.FormatInt(schemas.Add(1), 10)
	if err := execPostgres(tb.Context(), base, "CREATE SCHEMA "+schema); err != nil {
		tb.Fatalf("testenv: create schema: %v", err)
	}
	tb.Cleanup(func() {
		if err := execPostgres(context.Background(), base, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			tb.Errorf("testenv: drop schema: %v", err)
		}
	})
	return base + "&search_path=" + schema
}

// SQLite returns the URL of a database file of the test's own.
func SQLite(tb testing.TB) string {
	tb.Helper()
	return "sqlite:" + filepath.Join(tb.TempDir(), "test.db")
}

func execPostgres(ctx context.Context, address, statement string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// startPostgres makes a cluster in a folder of its own and starts it.
func startPostgres() (string, error) {
	initdb, err := findPostgres("initdb")
	if err != nil {
		return "", err
	}
	// The commands must be of one version, so the server is taken from beside initdb.
	linked, err := filepath.EvalSymlinks(initdb)
	if err != nil {
		return "", err
	}
	server := filepath.Join(filepath.Dir(linked), "postgres")
	dir, err := os.MkdirTemp("", "jobrunner-postgres-")
	if err != nil {
		return "", err
	}
	OnExit(func() { _ = os.RemoveAll(dir) })
	cred, err := postgresCredential(dir)
	if err != nil {
		return "", err
	}
	if out, err := postgresCommand(cred, dir, initdb, "-D", filepath.Join(dir, "data"), "-U", postgresUser,
		"-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", initdb, err, out)
	}
	port, err := FreePort()
	if err != nil {
		return "", err
	}
	cmd := postgresCommand(cred, dir, server, "-D", filepath.Join(dir, "data"), "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off",
		"-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=300", "-c", "shared_buffers=32MB")
	return runPostgres(cmd, dir, port)
}

func runPostgres(cmd *exec.Cmd, dir string, port int) (string, error) {
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return "", err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return "", err
	}
	OnExit(func() {
		_ = cmd.Process.Signal(syscall.SIGQUIT) // ends it at once, without a last checkpoint
		_ = cmd.Wait()
	})
	address := (&url.URL{
		Scheme: "postgres", User: url.User(postgresUser), Host: "127.0.0.1:" + strconv.Itoa(port),
		Path: "/postgres", RawQuery: "sslmode=disable",
	}).String()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if err = execPostgres(context.Background(), address, "SELECT 1"); err == nil {
			return address, nil
		}
	}
	text, _ := os.ReadFile(log.Name())
	return "", fmt.Errorf("PostgreSQL did not answer within 30 s: %w: %s", err, text)
}

func postgresCommand(cred *syscall.Credential, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...) //nolint:noctx // it lives as long as the process
	cmd.Dir = dir
	cmd.SysProcAttr = dieWithParent(syscall.SIGQUIT)
	cmd.SysProcAttr.Credential = cred
	return cmd
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

// findPostgres looks for a command where Debian and Homebrew keep several
// versions side by side, and then in the path.
func findPostgres(command string) (string, error) {
	var found []string
	for _, dir := range []string{"/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin"} {
		matches, _ := filepath.Glob(filepath.Join(dir, command))
		found = append(found, matches...)
	}
	if len(found) > 0 {
		slices.Sort(found)
		return found[len(found)-1], nil
	}
	path, err := exec.LookPath(command)
	if err != nil {
		return "", errors.New("PostgreSQL is not installed; run make tools-test")
	}
	return path, nil
}
