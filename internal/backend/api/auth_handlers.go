package api

import (
	"context"
	"net/http"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/request"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

func client(ctx context.Context) auth.Client {
	info := request.From(ctx)
	return auth.Client{Address: info.Address, UserAgent: info.UserAgent}
}

func (s *service) setup(ctx context.Context, _ *struct{}) (*setupOutput, error) {
	needed, err := s.opts.Auth.SetupNeeded(ctx)
	return &setupOutput{Setup{needed}}, err
}

func (s *service) register(ctx context.Context, in *registerInput) (*sessionOutput, error) {
	b := &in.Body
	tokens, err := s.opts.Auth.Register(ctx, auth.Registration{
		SetupToken: b.SetupToken, Email: b.Email, Password: b.Password, Name: b.Name,
	}, client(ctx))
	return s.session(tokens, err)
}

func (s *service) login(ctx context.Context, in *loginInput) (*sessionOutput, error) {
	tokens, err := s.opts.Auth.Login(ctx, in.Body.Email, in.Body.Password, client(ctx))
	return s.session(tokens, err)
}

func (s *service) refresh(ctx context.Context, in *refreshInput) (*sessionOutput, error) {
	tokens, err := s.opts.Auth.Refresh(ctx, in.Refresh)
	return s.session(tokens, err)
}

func (s *service) session(t *auth.Tokens, err error) (*sessionOutput, error) {
	if err != nil {
		return nil, err
	}
	return &sessionOutput{
		SetCookie: s.opts.Auth.Cookies(t),
		Body: Session{
			AccessToken: t.Access, TokenType: "Bearer", ExpiresIn: int64(t.AccessTTL.Seconds()), User: newUser(t.User),
		},
	}, nil
}

func newUser(u *store.User) User {
	return User{ID: u.ID, Email: u.Email, Name: u.Name, Role: auth.Role(u.Role), CreatedAt: u.CreatedAt}
}

// logout ends the session of the refresh cookie and of the access token,
// whichever is there. It succeeds without either, so that a browser can always
// get rid of its cookies.
func (s *service) logout(ctx context.Context, in *logoutInput) (*logoutOutput, error) {
	p, _ := s.opts.Auth.Authenticate(in.request(ctx))
	if err := s.opts.Auth.Logout(ctx, p, in.Refresh); err != nil {
		return nil, err
	}
	return &logoutOutput{SetCookie: s.opts.Auth.ClearedCookies()}, nil
}

// request is one with the credentials of the input, without those of a key,
// since a key has no session to end.
func (in *logoutInput) request(ctx context.Context) *http.Request {
	r := (&http.Request{Method: http.MethodGet, Header: http.Header{}}).WithContext(ctx)
	if in.Authorization != "" {
		r.Header.Set("Authorization", in.Authorization)
	}
	if in.Access != "" {
		r.AddCookie(&http.Cookie{Name: auth.AccessCookie, Value: in.Access}) //nolint:gosec // it goes to no browser
	}
	return r
}

func (s *service) me(ctx context.Context, _ *struct{}) (*principalOutput, error) {
	p := auth.FromContext(ctx)
	return &principalOutput{Principal{
		Kind: p.Kind, ID: p.ID, Name: p.Name, Email: p.Email, Role: p.Role,
		Scopes: append([]auth.Scope{}, p.Scopes...), Queues: append([]string{}, p.Queues...),
	}}, nil
}
