package auth

import (
	"net/http"
	"time"
)

// The names of the cookies of a browser that has signed in.
const (
	AccessCookie  = "jobrunner_access"
	RefreshCookie = "jobrunner_refresh"
)

// refreshPath is the only path browsers send the refresh token to.
const refreshPath = "/api/v1/auth"

// Cookies returns the tokens as cookies that scripts can't read and that other
// sites can't make a browser send.
func (s *Service) Cookies(t *Tokens) []http.Cookie {
	return []http.Cookie{
		s.cookie(AccessCookie, t.Access, "/", t.AccessTTL),
		s.cookie(RefreshCookie, t.Refresh, refreshPath, t.RefreshTTL),
	}
}

// ClearedCookies returns cookies that remove those of [Service.Cookies].
func (s *Service) ClearedCookies() []http.Cookie {
	return []http.Cookie{
		s.cookie(AccessCookie, "", "/", -time.Second),
		s.cookie(RefreshCookie, "", refreshPath, -time.Second),
	}
}

func (s *Service) cookie(name, value, path string, ttl time.Duration) http.Cookie {
	return http.Cookie{ //nolint:gosec // whether it is for HTTPS only depends on how the server is reached
		Name: name, Value: value, Path: path, MaxAge: int(ttl.Seconds()),
		HttpOnly: true, Secure: s.opts.SecureCookies, SameSite: http.SameSiteStrictMode,
	}
}
