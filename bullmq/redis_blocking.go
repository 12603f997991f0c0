package bullmq

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// blockingConn is a named connection of its own for one caller at a time that
// waits. It is made on first use, and anew after an error.
type blockingConn struct {
	client rueidis.Client
	// name is what the connection calls itself in CLIENT LIST.
	name string
	// key is one of those the caller waits for, if all are of one slot; in a cluster
	// it decides which node the connection leads to.
	key string

	mu     sync.Mutex
	conn   rueidis.DedicatedClient // guarded by mu
	closed bool                    // guarded by mu
}

// Open makes the connection if there is none.
func (b *blockingConn) Open(ctx context.Context) error {
	_, err := b.acquire(ctx)
	return err
}

// do runs f on the connection. The watchdog ends a wait that the server does
// not answer in time.
func (b *blockingConn) do(ctx context.Context, timeout time.Duration, f func(context.Context, rueidis.DedicatedClient) error) error {
	conn, err := b.acquire(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, timeout+2*time.Second)
	defer cancel()
	if err := f(ctx, conn); err != nil {
		b.drop(conn)
		return err
	}
	return nil
}

func (b *blockingConn) acquire(ctx context.Context) (rueidis.DedicatedClient, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	if b.conn != nil {
		return b.conn, nil
	}
	conn, _ := b.client.Dedicate()
	if err := b.introduce(ctx, conn); err != nil {
		conn.Close()
		return nil, err
	}
	b.conn = conn
	return conn, nil
}

// introduce names the connection. The look at the key comes first, for that
// is what leads to the right node.
func (b *blockingConn) introduce(ctx context.Context, conn rueidis.DedicatedClient) error {
	commands := make(rueidis.Commands, 0, 2)
	if b.key != "" {
		commands = append(commands, conn.B().Exists().Key(b.key).Build())
	}
	commands = append(commands, conn.B().ClientSetname().ConnectionName(b.name).Build())
	for _, reply := range conn.DoMulti(ctx, commands...) {
		err := reply.Error()
		if err == nil {
			continue
		}
		refused, answered := rueidis.IsRedisErr(err)
		if !answered {
			return fmt.Errorf("redis: name connection: %w", err)
		}
		// A server that refuses the name, for a character in it or by its ACL, still
		// serves the connection; it just does not show in worker lists.
		if _, moved := refused.IsMoved(); moved {
			return refused
		}
	}
	return nil
}

// drop closes the connection rather than give it back to the pool, for it
// carries a name and may be in the middle of a reply.
func (b *blockingConn) drop(conn rueidis.DedicatedClient) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn == conn {
		b.conn = nil
	}
	conn.Close()
}

// Close ends the connection and with it a wait in progress.
func (b *blockingConn) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.conn != nil {
		b.conn.Close()
		b.conn = nil
	}
}
