// Package request holds what the backend knows about a request beside its
// content: an id under which it is logged and where it comes from.
package request

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"strings"
)

// IDHeader carries a request's id, both ways.
const IDHeader = "X-Request-Id"

// Info describes a request.
type Info struct {
	// ID is the caller's X-Request-Id, or a random one.
	ID string
	// Address is the caller's IP address without its port.
	Address   string
	UserAgent string
}

type key struct{}

// With returns a context that carries the description.
func With(ctx context.Context, info Info) context.Context {
	return context.WithValue(ctx, key{}, info)
}

// From returns the description of the request a context belongs to, the zero
// value if there is none.
func From(ctx context.Context) Info {
	info, _ := ctx.Value(key{}).(Info)
	return info
}

// Describe makes the description of a request.
func Describe(r *http.Request) Info {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	id := r.Header.Get(IDHeader)
	if !acceptable(id) {
		id = strings.ToLower(rand.Text()[:16])
	}
	return Info{ID: id, Address: address, UserAgent: r.UserAgent()}
}

// acceptable tells whether a caller's id can stand in a log line and a header.
func acceptable(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}
