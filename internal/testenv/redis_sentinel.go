package testenv

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/redis/rueidis"
)

// syncAtOnce has a master not wait for further replicas that might come.
var syncAtOnce = []string{"--repl-diskless-sync-delay", "0"}

// MasterSet is the name by which sentinels know the master of [RedisSentinel].
const MasterSet = "jobs"

// RedisSentinel is a master with a replica and the sentinels that watch them.
type RedisSentinel struct {
	Master, Replica *RedisServer
	Sentinels       []*RedisServer
	// URL names the sentinels and the master set.
	URL string
}

// StartRedisSentinel starts a master, a replica, and sentinels that replace the
// master within seconds. The servers get further arguments for their command
// lines, the sentinels further lines for their configuration.
func StartRedisSentinel(tb testing.TB, sentinels int, lines []string, args ...string) *RedisSentinel {
	tb.Helper()
	args = append(slices.Clip(args), syncAtOnce...)
	s := &RedisSentinel{Master: StartRedis(tb, args...)}
	s.Replica = StartRedis(tb, append(slices.Clip(args), s.Master.ReplicaArgs()...)...)
	if err := s.Replica.AwaitReplication(); err != nil {
		tb.Fatalf("testenv: %v", err)
	}
	var addrs []string
	for range sentinels {
		sentinel, err := startSentinel(s.Master, sentinels/2+1, lines)
		if err != nil {
			tb.Fatalf("testenv: sentinel: %v", err)
		}
		tb.Cleanup(sentinel.Stop)
		s.Sentinels = append(s.Sentinels, sentinel)
		addrs = append(addrs, sentinel.Addr)
	}
	s.URL = "redis://" + strings.Join(addrs, ",") + "?master_set=" + MasterSet
	if err := s.awaitSentinels(); err != nil {
		tb.Fatalf("testenv: %v", err)
	}
	return s
}

// ReplicaArgs are the arguments that make another server a replica of this one.
func (s *RedisServer) ReplicaArgs() []string {
	host, port, _ := s.HostPort()
	return []string{"--replicaof", host, port}
}

// Reconfigure replaces the server's further arguments, for its next start.
func (s *RedisServer) Reconfigure(args ...string) { s.args = append(args, syncAtOnce...) }

// AwaitReplication waits until the server, a replica, has its master's data.
func (s *RedisServer) AwaitReplication() error {
	return until("replica is in step", func() (bool, error) {
		info, err := s.Do("INFO", "replication")
		return strings.Contains(info, "master_link_status:up"), err
	})
}

func startSentinel(master *RedisServer, quorum int, lines []string) (*RedisServer, error) {
	port, err := FreePort()
	if err != nil {
		return nil, err
	}
	s, err := newRedisServer(port, nil)
	if err != nil {
		return nil, err
	}
	host, masterPort, err := master.HostPort()
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf("sentinel monitor %[1]s %[2]s %[3]s %[4]d\nsentinel down-after-milliseconds %[1]s 1000\n"+
		"sentinel failover-timeout %[1]s 10000\n%[5]s\n", MasterSet, host, masterPort, quorum, strings.Join(lines, "\n"))
	s.config = filepath.Join(s.dir, "sentinel.conf")
	if err := os.WriteFile(s.config, []byte(config), 0o600); err != nil {
		return nil, err
	}
	s.args = []string{"--sentinel"}
	return s, s.Start()
}

// awaitSentinels waits until every sentinel knows the others and the replica.
func (s *RedisSentinel) awaitSentinels() error {
	for _, sentinel := range s.Sentinels {
		if err := until("sentinels know each other", func() (bool, error) {
			var others, replicas []rueidis.RedisMessage
			err := sentinel.ask(func(ctx context.Context, c rueidis.Client) (err error) {
				if others, err = c.Do(ctx, c.B().SentinelSentinels().Master(MasterSet).Build()).ToArray(); err != nil {
					return err
				}
				replicas, err = c.Do(ctx, c.B().SentinelReplicas().Master(MasterSet).Build()).ToArray()
				return err
			})
			if err == nil && (len(others) != len(s.Sentinels)-1 || len(replicas) != 1) {
				err = fmt.Errorf("%s knows %d others and %d replicas", sentinel.Addr, len(others), len(replicas))
			}
			return err == nil, err
		}); err != nil {
			return err
		}
	}
	return nil
}

// AwaitMaster waits until all sentinels have made the server the master.
func (s *RedisSentinel) AwaitMaster(server *RedisServer) error {
	host, port, err := server.HostPort()
	if err != nil {
		return err
	}
	if err := server.AwaitMaster(); err != nil {
		return err
	}
	for _, sentinel := range s.Sentinels {
		if err := until("sentinels name the new master", func() (bool, error) {
			addr, err := sentinel.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterSet)
			return addr == fmt.Sprint([]string{host, port}), err
		}); err != nil {
			return err
		}
	}
	return nil
}

// AwaitMaster waits until the server has been made a master.
func (s *RedisServer) AwaitMaster() error {
	return until(s.Addr+" is master", func() (bool, error) {
		info, err := s.Do("INFO", "replication")
		return strings.Contains(info, "role:master"), err
	})
}
