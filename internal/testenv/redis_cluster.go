package testenv

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/rueidis"
)

// Slots is the number of hash slots of a Redis Cluster.
const Slots = 16384

// busOffset is how far above its port a node talks to the others; only newer
// servers can be told another port.
const busOffset = 10000

// RedisCluster is a Redis Cluster of a test's own.
type RedisCluster struct {
	// Masters hold an equal part of the slots each, in this order.
	Masters []*RedisServer
	// URL names the first master.
	URL string
}

// StartRedisCluster starts servers that form a cluster, with further arguments
// for their command lines, and ends them with the test.
func StartRedisCluster(tb testing.TB, masters int, args ...string) *RedisCluster {
	tb.Helper()
	c := &RedisCluster{}
	for range masters {
		s, err := startClusterNode(args)
		if err != nil {
			tb.Fatalf("testenv: cluster node: %v", err)
		}
		tb.Cleanup(s.Stop)
		c.Masters = append(c.Masters, s)
	}
	c.URL = c.Masters[0].URL
	if err := c.form(); err != nil {
		tb.Fatalf("testenv: form cluster: %v", err)
	}
	return c
}

func startClusterNode(args []string) (*RedisServer, error) {
	port, err := clusterPort()
	if err != nil {
		return nil, err
	}
	args = append([]string{
		"--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-config-file", "nodes.conf",
	}, args...)
	return startRedisOn(port, append(args, syncAtOnce...))
}

// clusterPort returns a free port with a free port for the bus above it.
func clusterPort() (int, error) {
	for range 1000 {
		port, err := FreePort()
		if err != nil {
			return 0, err
		}
		if port > 65535-busOffset {
			port -= busOffset // The one that was free is the bus's.
		}
		if isFree(port) && isFree(port+busOffset) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no two free ports that are %d apart", busOffset)
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // returns at once
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// form gives out the slots, introduces the nodes to each other, and waits until
// all of them know where every slot is.
func (c *RedisCluster) form() error {
	for i, s := range c.Masters {
		if err := s.ask(func(ctx context.Context, client rueidis.Client) error {
			if err := client.Do(ctx, client.B().ClusterSetConfigEpoch().ConfigEpoch(int64(i+1)).Build()).Error(); err != nil {
				return err
			}
			add := client.B().ClusterAddslots().Slot(int64(i * Slots / len(c.Masters)))
			for slot := i*Slots/len(c.Masters) + 1; slot < (i+1)*Slots/len(c.Masters); slot++ {
				add = add.Slot(int64(slot))
			}
			if err := client.Do(ctx, add.Build()).Error(); err != nil {
				return err
			}
			return c.meet(ctx, client)
		}); err != nil {
			return err
		}
	}
	for _, s := range c.Masters {
		if err := until("cluster is formed", func() (bool, error) {
			info, err := s.Do("CLUSTER", "INFO")
			return strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, "cluster_size:"+strconv.Itoa(len(c.Masters))), err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (c *RedisCluster) meet(ctx context.Context, client rueidis.Client) error {
	host, port, err := c.Masters[0].HostPort()
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(port, 10, 64)
	if err != nil {
		return err
	}
	return client.Do(ctx, client.B().ClusterMeet().Ip(host).Port(n).Build()).Error()
}

// AddReplica starts a replica of one of the masters, which takes its place if
// it fails.
func (c *RedisCluster) AddReplica(tb testing.TB, master *RedisServer, args ...string) *RedisServer {
	tb.Helper()
	s, err := startClusterNode(append([]string{"--cluster-replica-validity-factor", "0"}, args...))
	if err == nil {
		tb.Cleanup(s.Stop)
		err = s.ask(c.meet)
	}
	if err == nil {
		err = c.replicate(s, master)
	}
	if err != nil {
		tb.Fatalf("testenv: cluster replica: %v", err)
	}
	return s
}

// replicate makes s a replica of a master that it may not have heard of yet,
// and waits until all of the cluster know.
func (c *RedisCluster) replicate(s, master *RedisServer) error {
	id, err := master.Do("CLUSTER", "MYID")
	if err != nil {
		return err
	}
	if err := until("replica knows its master", func() (bool, error) {
		_, err := s.Do("CLUSTER", "REPLICATE", id)
		return err == nil, err
	}); err != nil {
		return err
	}
	if err := s.AwaitReplication(); err != nil {
		return err
	}
	own, err := s.Do("CLUSTER", "MYID")
	if err != nil {
		return err
	}
	for _, other := range c.Masters {
		if err := until("cluster knows the replica", func() (bool, error) {
			nodes, err := other.Do("CLUSTER", "NODES")
			for line := range strings.Lines(nodes) {
				if strings.HasPrefix(line, own) && strings.Contains(line, "slave "+id) {
					return true, err
				}
			}
			return false, err
		}); err != nil {
			return err
		}
	}
	return nil
}
