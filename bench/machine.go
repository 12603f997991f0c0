package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// describeMachine says in one line what the figures were taken on.
func describeMachine(ctx context.Context, server *redisServer) string {
	redis := "Redis"
	if info, err := server.info(ctx); err == nil {
		redis = "Redis " + info["redis_version"]
		if v := info["valkey_version"]; v != "" {
			redis = "Valkey " + v
		}
	}
	parts := []string{
		fmt.Sprintf("%d × %s", runtime.NumCPU(), firstValue("/proc/cpuinfo", "model name")),
		firstValue("/proc/meminfo", "MemTotal") + " memory",
		runtime.GOOS + "/" + runtime.GOARCH,
		strings.Replace(runtime.Version(), "go", "Go ", 1),
		redis + " on loopback, without persistence",
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		parts = append(parts, "load average at start "+strings.Fields(string(text))[0])
	}
	return strings.Join(parts, ", ")
}

// firstValue finds "name : value" in one of the tables of /proc.
func firstValue(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return "unknown"
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// moduleVersion returns the version of a Go module in this binary.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == path {
				return m.Version
			}
		}
	}
	return "unknown"
}
