package auth

import (
	"net/http"
	"strings"

	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
)

// Authenticate returns who makes a request. It takes, in this order, an
// X-API-Key header, an Authorization: Bearer header with an access token or an
// API key, and the access cookie of a browser. With the cookie, requests that
// change something and WebSockets must come from a page of our own origin.
//
// A refusal is a [*problem.Problem] with status 401 or 403.
func (s *Service) Authenticate(r *http.Request) (*Principal, error) {
	if key := r.Header.Get("X-API-Key"); key != "" {
		return s.verifyKey(r.Context(), key)
	}
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		token = strings.TrimSpace(token)
		switch {
		case !strings.EqualFold(scheme, "Bearer") || token == "":
			return nil, unauthorized("token_invalid", "The Authorization header must have the form Bearer <token>.")
		case strings.HasPrefix(token, keyMark):
			return s.verifyKey(r.Context(), token)
		}
		return s.verifyAccess(r.Context(), token)
	}
	cookie, err := r.Cookie(AccessCookie)
	if err != nil || cookie.Value == "" {
		return nil, unauthorized("unauthenticated", "Sign in, or send an access token or an API key.")
	}
	if err := s.CheckOrigin(r); err != nil {
		return nil, err
	}
	return s.verifyAccess(r.Context(), cookie.Value)
}

// CheckOrigin refuses requests that a page of another origin has made a browser
// send, if they could change something. WebSockets count as such, since
// browsers let any page open them.
func (s *Service) CheckOrigin(r *http.Request) error {
	checked := r
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		clone := *r
		clone.Method = http.MethodPost
		checked = &clone
	}
	if err := s.origins.Check(checked); err != nil {
		return problem.New(http.StatusForbidden, "cross_origin", "The request comes from a page of another origin.")
	}
	return nil
}
