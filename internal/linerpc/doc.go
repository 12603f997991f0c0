// Package linerpc is JSON-RPC 2.0 over two streams, one message a line, with
// calls in both directions. Workers and handlers' processes talk so.
//
// A [Peer] is made for many small messages: what is sent while a write is under
// way goes out with the next one, and results pass through as the bytes they
// came in.
package linerpc
