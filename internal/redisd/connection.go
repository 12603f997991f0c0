package redisd

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

const (
	connectionName = "connection.json"
	// portPatience is how long a start waits for the port of the last one, which a
	// killed server may still be leaving.
	portPatience = time.Second
)

// connection is how a server is reached. It is kept beside the data, readable
// for its owner only, so that other programs' settings survive a restart.
type connection struct {
	Port     int    `json:"port"`
	Password string `json:"password"`
}

func (c connection) addr() string { return net.JoinHostPort(host, strconv.Itoa(c.Port)) }

func (c connection) url() string {
	u := url.URL{Scheme: "redis", User: url.UserPassword("", c.Password), Host: c.addr()}
	return u.String()
}

// ErrNeverStarted says that a directory is not one that a [Server] has used.
var ErrNeverStarted = errors.New("no Redis server has been started here")

// URL returns the address, with its password, of the server whose directory this
// is, as its last start left it. Whether it runs is for the caller to find out.
// It returns [ErrNeverStarted] if there has been none.
func URL(dir string) (string, error) {
	conn, err := readConnection(filepath.Join(dir, connectionName))
	if err != nil {
		return "", err
	}
	if conn.Port == 0 {
		return "", ErrNeverStarted
	}
	return conn.url(), nil
}

// loadConnection reads the connection of the last start, or makes one. It
// replaces the port if that is taken by now, and stores what it changed.
func loadConnection(ctx context.Context, dir string) (connection, error) {
	path := filepath.Join(dir, connectionName)
	conn, err := readConnection(path)
	if err != nil {
		return connection{}, err
	}
	known := conn
	if conn.Password == "" {
		conn.Password = rand.Text()
	}
	if conn.Port == 0 || !waitForPort(ctx, conn.Port) {
		if conn.Port, err = freePort(ctx); err != nil {
			return connection{}, fmt.Errorf("find a free port: %w", err)
		}
	}
	if conn != known {
		if err := writeConnection(path, conn); err != nil {
			return connection{}, err
		}
	}
	return conn, nil
}

func readConnection(path string) (connection, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return connection{}, nil
	}
	if err != nil {
		return connection{}, err
	}
	var conn connection
	if err := json.Unmarshal(text, &conn); err != nil {
		return connection{}, fmt.Errorf("read %s: %w", path, err)
	}
	return conn, nil
}

// writeConnection replaces the file as a whole, so that a crash leaves the old or the new one.
func writeConnection(path string, conn connection) error {
	text, err := json.MarshalIndent(conn, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), connectionName+".*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.Write(append(text, '\n'))
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(temp.Name(), path)
}

func waitForPort(ctx context.Context, port int) bool {
	for deadline := time.Now().Add(portPatience); !portIsFree(ctx, port); {
		if time.Now().After(deadline) || !pause(ctx, 20*time.Millisecond) {
			return false
		}
	}
	return true
}

func portIsFree(ctx context.Context, port int) bool {
	_, err := listenOnce(ctx, port)
	return err == nil
}

func freePort(ctx context.Context) (int, error) {
	return listenOnce(ctx, 0)
}

func listenOnce(ctx context.Context, port int) (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
