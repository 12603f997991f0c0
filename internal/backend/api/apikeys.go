package api

import (
	"net/http"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
)

// APIKey is a credential for a program, without its secret.
type APIKey struct {
	ID         string       `json:"id" format:"uuid"`
	Name       string       `json:"name"`
	Prefix     string       `json:"prefix" doc:"The part of the key that may be shown"`
	Scopes     []auth.Scope `json:"scopes"`
	Queues     []string     `json:"queues" doc:"The patterns of the queues it may use; none means all"`
	CreatedAt  int64        `json:"createdAt" doc:"In epoch ms"`
	CreatedBy  string       `json:"createdBy" doc:"The id of the user who made it"`
	ExpiresAt  *int64       `json:"expiresAt,omitempty" doc:"In epoch ms; absent if it never expires"`
	LastUsedAt *int64       `json:"lastUsedAt,omitempty" doc:"In epoch ms, to about a minute"`
	RevokedAt  *int64       `json:"revokedAt,omitempty" doc:"In epoch ms; absent while it is valid"`
}

// CreatedAPIKey is a new key, with its secret for this once.
type CreatedAPIKey struct {
	APIKey
	Key string `json:"key" doc:"The whole key; it is not shown again" example:"jr_4Yh2kQ9b_s3cr3t"`
}

type createKeyInput struct {
	Body struct {
		Name      string   `json:"name" minLength:"1" maxLength:"200"`
		Scopes    []string `json:"scopes" minItems:"1" maxItems:"50" maxLength:"64" doc:"Permissions such as jobs:write, or jobs:* for all of a resource" example:"[\"jobs:read\",\"jobs:write\"]"`
		Queues    []string `json:"queues,omitempty" maxItems:"100" maxLength:"200" minLength:"1" doc:"Patterns of queue names, where * stands for any text; none means all queues"`
		ExpiresAt *int64   `json:"expiresAt,omitempty" minimum:"1" doc:"In epoch ms; absent for a key that never expires"`
	} `nameHint:"NewAPIKey"`
}

type createKeyOutput struct {
	Location string `header:"Location"`
	Body     CreatedAPIKey
}

type keyInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *service) registerKeys(g group) {
	route(g, http.MethodGet, "/api-keys", "listApiKeys", "List the API keys, newest first", s.listKeys)
	route(g, http.MethodPost, "/api-keys", "createApiKey", "Make an API key", s.createKey, created)
	route(g, http.MethodDelete, "/api-keys/{id}", "revokeApiKey", "Revoke an API key", s.revokeKey)
}
