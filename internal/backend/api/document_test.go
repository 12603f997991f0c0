package api_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/jobrunner-dev/jobrunner/internal/backend/api"
	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
)

type operation struct {
	OperationID string                `json:"operationId"`
	Summary     string                `json:"summary"`
	Tags        []string              `json:"tags"`
	Scope       string                `json:"x-scope"`
	Security    []map[string][]string `json:"security"`
}

func operations(t *testing.T) map[string]operation {
	t.Helper()
	text, err := api.Document()
	require.NoError(t, err)
	var doc struct {
		Paths map[string]map[string]operation `json:"paths"`
	}
	require.NoError(t, json.Unmarshal(text, &doc))
	found := map[string]operation{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			found[strings.ToUpper(method)+" "+strings.TrimPrefix(path, "/api/v1")] = op
		}
	}
	return found
}

func TestTheCommittedDocumentIsUpToDate(t *testing.T) {
	t.Parallel()
	want, err := api.Document()
	require.NoError(t, err)
	got, err := os.ReadFile("openapi.json")
	require.NoError(t, err)
	require.Equal(t, string(want)+"\n", string(got), "run go generate ./internal/backend/api")
}

func TestEveryOperationHasAScopeAndEveryScopeAnOperation(t *testing.T) {
	t.Parallel()
	found := operations(t)
	for route, op := range found {
		scope, ok := api.Scopes()[route]
		require.True(t, ok, "%s has no scope", route)
		if scope == auth.Public {
			require.Equal(t, "public", op.Scope, route)
			require.NotNil(t, op.Security, route)
			require.Contains(t, route, " /auth/", "public")
			continue
		}
		require.EqualValues(t, scope, op.Scope, route)
		if scope != auth.SignedIn {
			require.Contains(t, auth.AllScopes, scope, route)
		}
	}
	for route := range api.Scopes() {
		require.Contains(t, found, route, "there is no such route")
	}
}

func TestReadsNeedLessThanChanges(t *testing.T) {
	t.Parallel()
	for route, scope := range api.Scopes() {
		if strings.HasPrefix(route, "GET ") {
			require.NotContains(t, string(scope), ":write", route)
		} else {
			require.False(t, strings.HasSuffix(string(scope), ":read") && !strings.HasSuffix(route, "/preview"), route)
		}
	}
}

func TestOperationsAreNamedForClients(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for route, op := range operations(t) {
		require.Regexp(t, "^[a-z][A-Za-z]+$", op.OperationID, route)
		require.Empty(t, seen[op.OperationID], "%s has the id of another operation", route)
		seen[op.OperationID] = route
		require.NotEmpty(t, op.Summary, route)
		require.Len(t, op.Tags, 1, route)
	}
}
