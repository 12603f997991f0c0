package api

import "github.com/jobrunner-dev/jobrunner/internal/backend/auth"

// Scopes is the table of scopes.
func Scopes() map[string]auth.Scope { return scopes }
