package topology

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

var plainQueue = bullmq.QueueRef{Prefix: "bull", Name: "q"}

func TestUnixSocketWithDatabaseNumber(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "redis.sock")
	server := testenv.StartRedis(t, "--unixsocket", socket)
	roundTrip(t, openRedis(t, "unix://"+socket+"?db=3", nil), plainQueue)
	queues, err := bullmq.Queues(t.Context(), openRedis(t, server.URL+"/3", nil), "")
	require.NoError(t, err)
	require.Equal(t, []string{"q"}, queues)
	queues, err = bullmq.Queues(t.Context(), openRedis(t, server.URL, nil), "")
	require.NoError(t, err)
	require.Empty(t, queues)
}

func TestPassword(t *testing.T) {
	t.Parallel()
	server := testenv.StartRedis(t)
	_, err := server.Do("ACL", "SETUSER", "app", "on", ">p@ss/w:rd", "~*", "+@all")
	require.NoError(t, err)
	_, err = server.Do("CONFIG", "SET", "requirepass", "only one")
	require.NoError(t, err)
	for name, user := range map[string]*url.Userinfo{
		"user and password": url.UserPassword("app", "p@ss/w:rd"),
		"password alone":    url.UserPassword("", "only one"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := &url.URL{Scheme: "redis", User: user, Host: server.Addr, Path: "/0"}
			roundTrip(t, openRedis(t, address.String(), nil), bullmq.QueueRef{Prefix: "bull", Name: user.Username() + "q"})
		})
	}
}

func TestOpenErrorsKeepPasswordsToThemselves(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	server := testenv.StartRedis(t)
	_, closed, err := net.SplitHostPort(server.Addr)
	require.NoError(t, err)
	port, err := testenv.FreePort()
	require.NoError(t, err)
	addr := server.Addr
	for name, text := range map[string]string{
		"wrong password":      "redis://app:" + secret + "@" + addr,
		"nobody listens":      "redis://app:" + secret + "@127.0.0.1:" + strconv.Itoa(port),
		"no database number":  "redis://app:" + secret + "@" + addr + "/jobs",
		"slash in a password": "redis://app:" + secret + "/x@" + addr,
		"colons":              "redis://app:" + secret + ":x:" + closed,
		"other scheme":        "http://app:" + secret + "@" + addr,
		"no scheme":           "app:" + secret + "@" + addr,
		"control character":   "redis://app:" + secret + "\x01@" + addr,
		"unknown parameter":   "redis://" + addr + "?password=" + secret,
		"secret as parameter": "redis://" + addr + "?" + secret,
		"bad query":           "redis://" + addr + "?db=%" + secret,
		"bad number":          "redis://" + addr + "?db=" + secret,
		"several, no cluster": "redis://app:" + secret + "@" + addr + ",127.0.0.1:1",
		"no sentinel":         "redis://app:" + secret + "@" + addr + "?master_set=jobs&sentinel_password=" + secret,
		"no TLS here":         "rediss://app:" + secret + "@" + addr,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := bullmq.OpenRedis(t.Context(), text, &bullmq.RedisOptions{DialTimeout: time.Second})
			if err == nil {
				_ = r.Close()
			}
			require.Error(t, err)
			require.NotContains(t, err.Error(), secret)
		})
	}
}

func TestEvictionIsWarnedOf(t *testing.T) {
	t.Parallel()
	for policy, warned := range map[string]bool{"allkeys-lru": true, "volatile-ttl": true, "noeviction": false} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			server := testenv.StartRedis(t, "--maxmemory-policy", policy)
			var log logBuffer
			openRedis(t, server.URL, &bullmq.RedisOptions{Logger: log.logger()})
			if warned {
				require.Contains(t, log.String(), fmt.Sprintf("policy=%s", policy))
			} else {
				require.Empty(t, log.String())
			}
		})
	}
}
