package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// Registration is what somebody gives to become a user.
type Registration struct {
	SetupToken string
	Email      string
	Password   string
	Name       string
}

// Client says where a request comes from.
type Client struct {
	Address   string
	UserAgent string
}

// Tokens are what a sign-in or a refresh gives.
type Tokens struct {
	Access    string
	AccessTTL time.Duration
	// Refresh can be used once, for the next Tokens.
	Refresh    string
	RefreshTTL time.Duration
	User       *store.User
}

// Register makes the first user, an admin, and signs them in. It needs the
// setup token; once there is a user it is refused.
func (s *Service) Register(ctx context.Context, r Registration, from Client) (*Tokens, error) {
	needed, err := s.SetupNeeded(ctx)
	if err != nil {
		return nil, err
	}
	if !needed {
		return nil, problem.New(http.StatusForbidden, "registration_closed", "Registration is closed: the first user has been made.")
	}
	if wait := s.attempts.attempt(from.Address, "setup"); wait > 0 {
		return nil, tooManyAttempts(wait)
	}
	u, err := s.newUser(ctx, r)
	if err != nil {
		return nil, err
	}
	err = s.opts.Store.CreateFirstUser(ctx, u, settingSetupToken, hashToken(r.SetupToken))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, problem.Field(http.StatusForbidden, "setup_token_invalid", "body.setupToken",
			"This is not the setup token that the server printed at its last start.")
	case errors.Is(err, store.ErrConflict):
		return nil, problem.New(http.StatusForbidden, "registration_closed", "Registration is closed: the first user has been made.")
	case err != nil:
		return nil, err
	}
	s.attempts.succeeded(from.Address, "setup")
	return s.begin(ctx, u, from)
}

// Login signs a user in with a password.
func (s *Service) Login(ctx context.Context, email, password string, from Client) (*Tokens, error) {
	email = normalizeEmail(email)
	if wait := s.attempts.attempt(from.Address, email); wait > 0 {
		return nil, tooManyAttempts(wait)
	}
	u, err := s.opts.Store.UserByEmail(ctx, email)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	hash := ""
	if err == nil && u.DisabledAt == nil {
		hash = u.PasswordHash
	}
	ok, err := s.passwords.matches(ctx, password, hash)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, unauthorized("credentials_invalid", "The email address or the password is wrong.")
	}
	s.attempts.succeeded(from.Address, email)
	return s.begin(ctx, u, from)
}

func (s *Service) begin(ctx context.Context, u *store.User, from Client) (*Tokens, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	now := s.opts.Now()
	session := &store.Session{
		ID: id.String(), UserID: u.ID, Address: from.Address, UserAgent: from.UserAgent[:min(len(from.UserAgent), 300)],
		CreatedAt: now.UnixMilli(), ExpiresAt: now.Add(s.opts.SessionTTL).UnixMilli(),
	}
	refresh := newRefreshToken()
	if err := s.opts.Store.CreateSession(ctx, session, hashToken(refresh)); err != nil {
		return nil, err
	}
	return s.tokens(u, session.ID, refresh, now)
}

// Refresh gives new tokens for a refresh token, which is used up. A token that
// was used before ends the session, for one of its two users has stolen it.
func (s *Service) Refresh(ctx context.Context, token string) (*Tokens, error) {
	if token == "" {
		return nil, unauthorized("unauthenticated", "There is no refresh cookie; sign in.")
	}
	now := s.opts.Now()
	next := newRefreshToken()
	session, err := s.opts.Store.RotateRefreshToken(ctx, hashToken(token), hashToken(next),
		now.UnixMilli(), now.Add(s.opts.SessionTTL).UnixMilli())
	switch {
	case errors.Is(err, store.ErrTokenReused):
		s.opts.Logger.WarnContext(ctx, "session ended because a refresh token was used twice")
		return nil, unauthorized("refresh_token_reused", "This refresh token was used before, so the session has been ended; sign in again.")
	case errors.Is(err, store.ErrNotFound):
		return nil, unauthorized("session_ended", "The session is over; sign in again.")
	case err != nil:
		return nil, err
	}
	u, err := s.sessionUser(ctx, session.ID)
	if err != nil {
		return nil, err
	}
	return s.tokens(u, session.ID, next, now)
}

// Logout ends the session that a refresh token or a principal belongs to.
// Either may be missing.
func (s *Service) Logout(ctx context.Context, p *Principal, refresh string) error {
	now := s.opts.Now().UnixMilli()
	if refresh != "" {
		if err := s.opts.Store.EndSessionOfToken(ctx, hashToken(refresh), now); err != nil {
			return err
		}
	}
	if p != nil && p.SessionID != "" {
		return s.opts.Store.EndSession(ctx, p.SessionID, now)
	}
	return nil
}

func (s *Service) tokens(u *store.User, sessionID, refresh string, now time.Time) (*Tokens, error) {
	access, err := s.signAccess(u.ID, sessionID, now)
	if err != nil {
		return nil, fmt.Errorf("sign access token: %w", err)
	}
	return &Tokens{
		Access: access, AccessTTL: s.opts.AccessTokenTTL,
		Refresh: refresh, RefreshTTL: s.opts.SessionTTL, User: u,
	}, nil
}

func (s *Service) sessionUser(ctx context.Context, sessionID string) (*store.User, error) {
	u, err := s.opts.Store.SessionUser(ctx, sessionID, s.opts.Now().UnixMilli())
	if errors.Is(err, store.ErrNotFound) {
		s.opts.Logger.DebugContext(ctx, "token of a session that is over", slog.String("session", sessionID))
		return nil, unauthorized("session_ended", "The session is over; sign in again.")
	}
	return u, err
}

func userPrincipal(u *store.User, sessionID string) *Principal {
	role := Role(u.Role)
	return &Principal{
		Kind: KindUser, ID: u.ID, Name: cmp.Or(u.Name, u.Email), Email: u.Email, Role: role,
		Scopes: role.Scopes(), SessionID: sessionID,
	}
}

func newRefreshToken() string { return rand.Text() + rand.Text() }

func unauthorized(code, detail string) *problem.Problem {
	return problem.New(http.StatusUnauthorized, code, detail).Challenge(`Bearer realm="jobrunner"`)
}

func tooManyAttempts(wait time.Duration) *problem.Problem {
	return problem.New(http.StatusTooManyRequests, "too_many_attempts", "Too many attempts have failed; wait a little.").RetryAfter(wait)
}
