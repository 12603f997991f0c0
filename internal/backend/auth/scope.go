package auth

import (
	"slices"
	"strings"
)

// Scope is one permission, written "<resource>:<action>".
type Scope string

// The scopes that exist.
const (
	JobsRead       Scope = "jobs:read"
	JobsWrite      Scope = "jobs:write"
	QueuesRead     Scope = "queues:read"
	QueuesAdmin    Scope = "queues:admin"
	SchedulesRead  Scope = "schedules:read"
	SchedulesWrite Scope = "schedules:write"
	FlowsRead      Scope = "flows:read"
	FlowsWrite     Scope = "flows:write"
	WebhooksRead   Scope = "webhooks:read"
	WebhooksWrite  Scope = "webhooks:write"
	SystemRead     Scope = "system:read"
	KeysAdmin      Scope = "api-keys:admin"
)

// The scopes that routes can ask for beside the permissions above.
const (
	// Public routes answer anyone.
	Public Scope = ""
	// SignedIn routes answer any valid credential.
	SignedIn Scope = "signed-in"
)

// AllScopes lists every permission, in the order documents show them.
var AllScopes = []Scope{
	JobsRead, JobsWrite, QueuesRead, QueuesAdmin, SchedulesRead, SchedulesWrite,
	FlowsRead, FlowsWrite, WebhooksRead, WebhooksWrite, SystemRead, KeysAdmin,
}

// Role is a named set of scopes that a user has.
type Role string

// The roles that exist.
const (
	// RoleViewer may look at everything that runs.
	RoleViewer Role = "viewer"
	// RoleOperator may also run and change it.
	RoleOperator Role = "operator"
	// RoleAdmin may do everything.
	RoleAdmin Role = "admin"
)

var roleScopes = map[Role][]Scope{
	RoleViewer: {JobsRead, QueuesRead, SchedulesRead, FlowsRead, SystemRead},
	RoleOperator: {
		JobsRead, JobsWrite, QueuesRead, QueuesAdmin, SchedulesRead, SchedulesWrite,
		FlowsRead, FlowsWrite, WebhooksRead, SystemRead,
	},
	RoleAdmin: AllScopes,
}

// Scopes returns what the role may do, nothing for an unknown role.
func (r Role) Scopes() []Scope { return slices.Clone(roleScopes[r]) }

// ParseScopes reads scopes as a key's creator writes them: each a permission, or
// "<resource>:*" for all of a resource. It returns the permissions without
// repetition, and the first text it does not know.
func ParseScopes(texts []string) (scopes []Scope, unknown string) {
	for _, text := range texts {
		matched := false
		for _, s := range AllScopes {
			resource, _, _ := strings.Cut(string(s), ":")
			if text != string(s) && text != resource+":*" {
				continue
			}
			matched = true
			if !slices.Contains(scopes, s) {
				scopes = append(scopes, s)
			}
		}
		if !matched {
			return nil, text
		}
	}
	return scopes, ""
}
