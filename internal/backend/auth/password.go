package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/mail"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
)

// The lengths a password may have, in characters.
const (
	minPassword = 10
	maxPassword = 256
)

// passwordParams are the cost of a hash: 19 MiB and about 30 ms of one core,
// the least that OWASP advises.
var passwordParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// passwords hashes and compares passwords, a few at a time, so that a flood of
// sign-ins takes neither all memory nor all cores.
type passwords struct {
	slots chan struct{}
	// decoy is compared with where there is no user, so that the time an answer
	// takes does not tell whether an address is known.
	decoy func() (string, error)
}

func newPasswords() *passwords {
	return &passwords{
		slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		decoy: sync.OnceValues(func() (string, error) { return argon2id.CreateHash("decoy", passwordParams) }),
	}
}

func (p *passwords) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a turn to hash a password: %w", ctx.Err())
	}
}

func (p *passwords) leave() { <-p.slots }

func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	return argon2id.CreateHash(password, passwordParams)
}

// matches compares a password with a hash, or with a decoy if the hash is empty.
func (p *passwords) matches(ctx context.Context, password, hash string) (bool, error) {
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer p.leave()
	known := hash != ""
	if !known {
		var err error
		if hash, err = p.decoy(); err != nil {
			return false, err
		}
	}
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	return ok && known, err
}

func checkPassword(password string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword {
		return problem.Field(http.StatusUnprocessableEntity, "validation_failed", "body.password",
			fmt.Sprintf("A password needs %d to %d characters.", minPassword, maxPassword))
	}
	return nil
}

func normalizeEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

func checkEmail(email string) error {
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > 254 {
		return problem.Field(http.StatusUnprocessableEntity, "validation_failed", "body.email", "This is not an email address.")
	}
	return nil
}
