package peer

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Node is npm bullmq. Its host is node/bench.mjs.
var Node = &Peer{
	Key: "node", Name: "Node BullMQ", HasBulk: true,
	Settings: "defaults but for the concurrency",
	Version:  func() string { return npmVersion("bullmq") + ", Node " + nodeVersion() },
	Store:    onRedis, Finished: bullCompleted,
	command: func(a Addresses) ([]string, error) {
		host, port, err := net.SplitHostPort(a.Redis)
		return []string{"node", "node/bench.mjs", host, port, QueueName}, err
	},
}

func nodeVersion() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(strings.TrimPrefix(string(out), "v"))
}

// npmVersion reads the version that the benchmark's workspace asks for, which is exact.
func npmVersion(name string) string {
	text, err := os.ReadFile("node/package.json")
	if err != nil {
		return "unknown"
	}
	var manifest struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return "unknown"
	}
	return manifest.Dependencies[name]
}
