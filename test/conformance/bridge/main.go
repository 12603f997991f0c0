package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bridge:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("bridge", flag.ContinueOnError)
	socket := flags.String("socket", "", "path of the Unix socket to listen on")
	redis := flags.String("redis", "redis://127.0.0.1:6379", "URL of the Redis server that holds the queues")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *socket == "" {
		return errors.New("-socket is required")
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", *socket)
	if err != nil {
		return err
	}
	// Whoever started the program waits for this line.
	if _, err := fmt.Fprintln(stdout, "ready"); err != nil {
		return err
	}
	s := &server{redisURL: *redis, log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	return s.serve(ctx, listener)
}
