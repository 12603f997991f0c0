// Package topology proves the engine on every kind of server it can be given:
// TLS, Unix sockets, users with few rights, Redis Cluster, and a master that
// Sentinel replaces. The tests start all servers themselves.
package topology
