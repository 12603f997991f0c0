package testenv

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/redis/rueidis"
)

// patience bounds how long servers that have been started may take to agree.
const patience = 45 * time.Second

// ask opens a connection to the server for f.
func (s *RedisServer) ask(f func(ctx context.Context, c rueidis.Client) error) error {
	c, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{s.Addr}, ForceSingleClient: true, DisableCache: true, PipelineMultiplex: -1, AlwaysRESP2: true,
		ReadBufferEachConn: 1 << 12, WriteBufferEachConn: 1 << 12, RingScaleEachConn: 4,
	})
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return f(ctx, c)
}

// Do sends a command to the server, as its default user, and returns the answer as text.
func (s *RedisServer) Do(command ...string) (string, error) {
	var text string
	err := s.ask(func(ctx context.Context, c rueidis.Client) error {
		reply, err := c.Do(ctx, c.B().Arbitrary(command[0]).Args(command[1:]...).Build()).ToAny()
		if err != nil {
			return fmt.Errorf("%s %s: %w", s.Addr, command[0], err)
		}
		text = fmt.Sprint(reply)
		return nil
	})
	return text, err
}

// HostPort returns the parts of the server's address.
func (s *RedisServer) HostPort() (host, port string, err error) { return net.SplitHostPort(s.Addr) }

// until repeats a check every few milliseconds until it says yes.
func until(what string, check func() (bool, error)) error {
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		done, err := check()
		if done && err == nil {
			return nil
		}
		last = err
	}
	if last != nil {
		return fmt.Errorf("not within %s: %s: %w", patience, what, last)
	}
	return fmt.Errorf("not within %s: %s", patience, what)
}
