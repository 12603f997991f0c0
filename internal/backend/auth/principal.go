package auth

import (
	"context"
	"slices"

	"github.com/jobrunner-dev/jobrunner/internal/wildcard"
)

// Kind says what sort of credential stands behind a [Principal].
type Kind string

// The kinds of principal.
const (
	KindUser   Kind = "user"
	KindAPIKey Kind = "api-key"
)

// Principal is who makes a request.
type Principal struct {
	Kind Kind
	// ID is the id of the user or of the API key.
	ID string
	// Name is shown to people: a user's name or email address, a key's name.
	Name string
	// Email is a user's address, empty for a key.
	Email string
	// Role is a user's role, empty for a key.
	Role Role
	// Scopes are the permissions.
	Scopes []Scope
	// Queues are the patterns of queue names a key is limited to; none means all.
	Queues []string
	// SessionID is the session of a user's access token.
	SessionID string
}

// Has reports whether the principal may do what the scope names.
func (p *Principal) Has(scope Scope) bool {
	return scope == Public || scope == SignedIn || slices.Contains(p.Scopes, scope)
}

// SeesQueue reports whether the principal may see and use the queue.
func (p *Principal) SeesQueue(name string) bool {
	if len(p.Queues) == 0 {
		return true
	}
	return wildcard.Any(p.Queues, name)
}

type principalKey struct{}

// WithPrincipal returns a context that carries the principal.
func WithPrincipal(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// FromContext returns the principal of a request, nil on a public route.
func FromContext(ctx context.Context) *Principal {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p
}
