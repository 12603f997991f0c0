package backend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/backend"
	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/testenv"
)

func TestTheFirstUserRegistersWithTheSetupToken(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(testing.TB) string{"sqlite": testenv.SQLite, "postgres": testenv.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := ""
			e := start(t, address(t), testenv.RedisURL(t), backend.Options{OnSetupToken: func(s string) { token = s }})
			require.NotEmpty(t, token)
			var setup api.Setup
			e.call(t, "GET", "/auth/setup", nil).ok(t, 200, &setup)
			require.True(t, setup.Needed)

			body := map[string]string{"setupToken": "wrong", "email": "Me@Example.com", "password": adminPassword, "name": "Me"}
			e.call(t, "POST", "/auth/register", body).refused(t, 403, "setup_token_invalid", "body.setupToken")
			body["setupToken"] = token
			body["password"] = "short"
			e.call(t, "POST", "/auth/register", body).refused(t, 422, "validation_failed", "body.password")
			body["password"] = adminPassword
			body["email"] = "nobody"
			e.call(t, "POST", "/auth/register", body).refused(t, 422, "validation_failed", "body.email")
			body["email"] = "Me@Example.com"
			var s api.Session
			e.call(t, "POST", "/auth/register", body).ok(t, 201, &s)
			require.Equal(t, "me@example.com", s.User.Email)
			require.EqualValues(t, "admin", s.User.Role)
			require.EqualValues(t, 900, s.ExpiresIn)

			var me api.Principal
			e.with(s.AccessToken).call(t, "GET", "/auth/me", nil).ok(t, 200, &me)
			require.Equal(t, "Me", me.Name)
			require.Contains(t, me.Scopes, auth.JobsWrite)

			e.call(t, "GET", "/auth/setup", nil).ok(t, 200, &setup)
			require.False(t, setup.Needed)
			e.call(t, "POST", "/auth/register", body).refused(t, 403, "registration_closed")
		})
	}
}

func TestEachStartWithoutUsersMakesTheSetupTokenAnew(t *testing.T) {
	t.Parallel()
	database := testenv.SQLite(t)
	var tokens []string
	opts := backend.Options{OnSetupToken: func(s string) { tokens = append(tokens, s) }}
	start(t, database, testenv.RedisURL(t), opts)
	e := start(t, database, testenv.RedisURL(t), opts)
	require.Len(t, tokens, 2)
	body := map[string]string{"setupToken": tokens[0], "email": "me@example.com", "password": adminPassword}
	e.call(t, "POST", "/auth/register", body).refused(t, 403, "setup_token_invalid")
	body["setupToken"] = tokens[1]
	e.call(t, "POST", "/auth/register", body).ok(t, 201, nil)
	start(t, database, testenv.RedisURL(t), opts)
	require.Len(t, tokens, 2, "there is a user now")
}

func TestAnAdminWithABadPasswordKeepsTheBackendFromStarting(t *testing.T) {
	t.Parallel()
	e := start(t, testenv.SQLite(t), testenv.RedisURL(t), backend.Options{})
	for _, opts := range []backend.Options{
		{AdminEmail: adminEmail, AdminPassword: "short"},
		{AdminEmail: "no address", AdminPassword: adminPassword},
		{AdminPassword: adminPassword},
		{BodyLimit: 1},
	} {
		opts.Store, opts.Redis = e.db, e.redis
		_, err := backend.New(t.Context(), opts)
		require.Error(t, err)
	}
	_, err := backend.New(t.Context(), backend.Options{})
	require.Error(t, err)
}
