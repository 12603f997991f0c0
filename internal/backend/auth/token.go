package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const issuer = "jobrunner"

// accessClaims are what an access token says. It names the session rather than
// the user's rights, so that both can end before the token does.
type accessClaims struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid"`
}

func (s *Service) signAccess(userID, sessionID string, now time.Time) (string, error) {
	return jwt.NewWithClaims(jwt.SigningMethodHS256, accessClaims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Subject: userID,
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(s.opts.AccessTokenTTL)),
		},
		SessionID: sessionID,
	}).SignedString(s.secret)
}

// verifyAccess returns who an access token stands for.
func (s *Service) verifyAccess(ctx context.Context, token string) (*Principal, error) {
	var claims accessClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return s.secret, nil },
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithIssuer(issuer),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(s.opts.Now))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, unauthorized("token_expired", "The access token has expired; refresh it or sign in again.")
	case err != nil:
		return nil, unauthorized("token_invalid", "The access token is not valid.")
	}
	u, err := s.sessionUser(ctx, claims.SessionID)
	if err != nil {
		return nil, fmt.Errorf("verify access token: %w", err)
	}
	if u.ID != claims.Subject {
		return nil, unauthorized("token_invalid", "The access token is not valid.")
	}
	return userPrincipal(u, claims.SessionID), nil
}
