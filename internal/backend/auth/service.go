package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// The names of settings in SQL.
const (
	settingSecret     = "auth.token_secret"     //nolint:gosec // a name
	settingSetupToken = "auth.setup_token_hash" //nolint:gosec // a name
)

// Options are the choices of a [Service].
type Options struct {
	// Store is where users, sessions and keys are kept. Required.
	Store *store.DB
	// TokenSecret signs access tokens, at least 32 bytes. Nil takes the one in
	// SQL, which is made at the first start and shared by all backends.
	TokenSecret []byte
	// AccessTokenTTL is how long an access token is valid. Defaults to 15 minutes.
	AccessTokenTTL time.Duration
	// SessionTTL is how long a session lives without a refresh. Defaults to 30 days.
	SessionTTL time.Duration
	// AdminEmail and AdminPassword make the first user, if there is none. Empty
	// leaves that to whoever has the setup token.
	AdminEmail    string
	AdminPassword string
	// OnSetupToken is given a new setup token at each start without users. It
	// must bring it to the operator, and not to a log. May be nil.
	OnSetupToken func(token string)
	// SecureCookies marks cookies for HTTPS only, whatever the request came over.
	SecureCookies bool
	// Logger defaults to [slog.Default].
	Logger *slog.Logger
	// Now tells the time. Defaults to [time.Now].
	Now func() time.Time
}

// Service authenticates requests and manages credentials. It is safe for
// concurrent use.
type Service struct {
	opts      Options
	secret    []byte
	passwords *passwords
	attempts  *throttle
	origins   *http.CrossOriginProtection
}

// New returns a service. If there is no user yet it makes the first one from
// the options, or a setup token.
func New(ctx context.Context, opts Options) (*Service, error) {
	if opts.Store == nil {
		return nil, errors.New("auth: a store is required")
	}
	opts.AccessTokenTTL = cmp.Or(opts.AccessTokenTTL, 15*time.Minute)
	opts.SessionTTL = cmp.Or(opts.SessionTTL, 30*24*time.Hour)
	opts.Logger = cmp.Or(opts.Logger, slog.Default())
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Service{
		opts: opts, passwords: newPasswords(), attempts: newThrottle(opts.Now),
		origins: http.NewCrossOriginProtection(),
	}
	if err := s.loadSecret(ctx); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	if err := s.prepareFirstUser(ctx); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	return s, nil
}

func (s *Service) loadSecret(ctx context.Context) error {
	if s.opts.TokenSecret != nil {
		if len(s.opts.TokenSecret) < 32 {
			return errors.New("the token secret must have at least 32 bytes")
		}
		s.secret = s.opts.TokenSecret
		return nil
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails
	text, err := s.opts.Store.SettingOrSet(ctx, settingSecret, hex.EncodeToString(fresh))
	if err != nil {
		return err
	}
	s.secret, err = hex.DecodeString(text)
	return err
}

// prepareFirstUser makes the first user, or lets somebody with a token do so.
func (s *Service) prepareFirstUser(ctx context.Context) error {
	has, err := s.opts.Store.HasUsers(ctx)
	if err != nil || has {
		return err
	}
	if s.opts.AdminEmail != "" || s.opts.AdminPassword != "" {
		u, err := s.newUser(ctx, Registration{Email: s.opts.AdminEmail, Password: s.opts.AdminPassword})
		if err != nil {
			return fmt.Errorf("make the first user: %w", err)
		}
		err = s.opts.Store.CreateUser(ctx, u)
		if errors.Is(err, store.ErrConflict) {
			return nil // another process that starts at the same time has made it
		}
		return err
	}
	token := rand.Text()
	if err := s.opts.Store.Set(ctx, settingSetupToken, hashToken(token)); err != nil {
		return err
	}
	if s.opts.OnSetupToken != nil {
		s.opts.OnSetupToken(token)
	}
	return nil
}

// SetupNeeded reports whether the first user is still to be made.
func (s *Service) SetupNeeded(ctx context.Context) (bool, error) {
	has, err := s.opts.Store.HasUsers(ctx)
	return !has, err
}

func (s *Service) newUser(ctx context.Context, r Registration) (*store.User, error) {
	email := normalizeEmail(r.Email)
	if err := checkEmail(email); err != nil {
		return nil, err
	}
	if err := checkPassword(r.Password); err != nil {
		return nil, err
	}
	hash, err := s.passwords.hash(ctx, r.Password)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	now := s.opts.Now().UnixMilli()
	return &store.User{
		ID: id.String(), Email: email, Name: strings.TrimSpace(r.Name), Role: string(RoleAdmin),
		PasswordHash: hash, CreatedAt: now, UpdatedAt: now,
	}, nil
}

// hashToken is how secrets with much randomness of their own are stored.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
