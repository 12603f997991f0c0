package api

import (
	"net/http"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
)

// User is a person who can sign in.
type User struct {
	ID        string    `json:"id" format:"uuid"`
	Email     string    `json:"email" format:"email"`
	Name      string    `json:"name"`
	Role      auth.Role `json:"role" enum:"viewer,operator,admin"`
	CreatedAt int64     `json:"createdAt" doc:"In epoch ms"`
}

// Session is what a sign-in gives.
type Session struct {
	AccessToken string `json:"accessToken" doc:"Send it as Authorization: Bearer"`
	TokenType   string `json:"tokenType" enum:"Bearer"`
	ExpiresIn   int64  `json:"expiresIn" doc:"How long the token is valid, in seconds"`
	User        User   `json:"user"`
}

// Principal is who makes a request.
type Principal struct {
	Kind   auth.Kind    `json:"kind" enum:"user,api-key"`
	ID     string       `json:"id"`
	Name   string       `json:"name"`
	Email  string       `json:"email,omitempty"`
	Role   auth.Role    `json:"role,omitempty" enum:"viewer,operator,admin"`
	Scopes []auth.Scope `json:"scopes" doc:"What the principal may do"`
	Queues []string     `json:"queues" doc:"The patterns of the queues it may use; none means all"`
}

// Setup says whether the first user is still to be made.
type Setup struct {
	Needed bool `json:"needed" doc:"True until the first user has registered with the setup token"`
}

type setupOutput struct{ Body Setup }

type registerInput struct {
	Body struct {
		SetupToken string `json:"setupToken" minLength:"1" maxLength:"200" doc:"The token that the server printed at its first start"`
		Email      string `json:"email" format:"email" maxLength:"254"`
		Password   string `json:"password" minLength:"10" maxLength:"256"`
		Name       string `json:"name,omitempty" maxLength:"200"`
	} `nameHint:"Registration"`
}

type loginInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Password string `json:"password" maxLength:"256"`
	} `nameHint:"Credentials"`
}

type refreshInput struct {
	Refresh string `cookie:"jobrunner_refresh" hidden:"true"`
}

type logoutInput struct {
	Refresh       string `cookie:"jobrunner_refresh" hidden:"true"`
	Access        string `cookie:"jobrunner_access" hidden:"true"`
	Authorization string `header:"Authorization" hidden:"true"`
}

type sessionOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie" hidden:"true"`
	Body      Session
}

type logoutOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie" hidden:"true"`
}

type principalOutput struct{ Body Principal }

func (s *service) registerAuth(g group) {
	route(g, http.MethodGet, "/auth/setup", "getSetup", "Ask whether the first user is still to be made", s.setup)
	route(g, http.MethodPost, "/auth/register", "register", "Make the first user, with the setup token", s.register, created, within(authTimeout))
	route(g, http.MethodPost, "/auth/login", "login", "Sign in with a password", s.login, within(authTimeout),
		describe("The answer holds an access token. It also sets the tokens as cookies, for browsers."))
	route(g, http.MethodPost, "/auth/refresh", "refresh", "Renew a session with its refresh cookie", s.refresh, within(authTimeout))
	route(g, http.MethodPost, "/auth/logout", "logout", "End the session", s.logout)
	route(g, http.MethodGet, "/auth/me", "getMe", "Ask who makes this request", s.me)
}
