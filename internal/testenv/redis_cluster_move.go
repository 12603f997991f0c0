package testenv

import (
	"context"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// Owner returns the index of the master that was given the slot.
func (c *RedisCluster) Owner(slot int) int {
	for i := range c.Masters {
		if slot < (i+1)*Slots/len(c.Masters) {
			return i
		}
	}
	return -1
}

// SlotMove is a slot on its way from one master to another.
type SlotMove struct {
	cluster  *RedisCluster
	slot     string
	from, to *RedisServer
	toID     string
}

// BeginMove has the slot's owner send callers to another master for keys that
// it no longer has.
func (c *RedisCluster) BeginMove(slot, to int) (*SlotMove, error) {
	m := &SlotMove{cluster: c, slot: strconv.Itoa(slot), from: c.Masters[c.Owner(slot)], to: c.Masters[to]}
	fromID, err := m.from.Do("CLUSTER", "MYID")
	if err != nil {
		return nil, err
	}
	if m.toID, err = m.to.Do("CLUSTER", "MYID"); err != nil {
		return nil, err
	}
	if _, err := m.to.Do("CLUSTER", "SETSLOT", m.slot, "IMPORTING", fromID); err != nil {
		return nil, err
	}
	_, err = m.from.Do("CLUSTER", "SETSLOT", m.slot, "MIGRATING", m.toID)
	return m, err
}

// Finish moves the keys, in small parts, and then the slot itself.
func (m *SlotMove) Finish() error {
	host, port, err := m.to.HostPort()
	if err != nil {
		return err
	}
	for {
		var keys []string
		if err := m.from.ask(func(ctx context.Context, c rueidis.Client) (err error) {
			keys, err = c.Do(ctx, c.B().Arbitrary("CLUSTER", "GETKEYSINSLOT", m.slot, "10").Build()).AsStrSlice()
			return err
		}); err != nil {
			return err
		}
		if len(keys) == 0 {
			break
		}
		// A key that expires meanwhile is answered with NOKEY.
		if _, err := m.from.Do(append([]string{"MIGRATE", host, port, "", "0", "5000", "KEYS"}, keys...)...); err != nil && !strings.Contains(err.Error(), "NOKEY") {
			return err
		}
	}
	for _, s := range append([]*RedisServer{m.to, m.from}, m.cluster.Masters...) {
		if _, err := s.Do("CLUSTER", "SETSLOT", m.slot, "NODE", m.toID); err != nil {
			return err
		}
	}
	return nil
}
