package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/jobrunner-dev/jobrunner/internal/backend/auth"
	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/backend/request"
	"github.com/jobrunner-dev/jobrunner/internal/store"
)

// authorize lets a request pass whose principal has the operation's scope, and
// writes down those that changed something.
func (s *service) authorize(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	scope, _ := ctx.Operation().Metadata["scope"].(auth.Scope)
	p, err := s.admit(ctx, r, scope)
	if err != nil {
		problem.Write(w, request.From(r.Context()).ID, s.refuse(r.Context(), err))
		return
	}
	if p != nil {
		ctx = huma.WithContext(ctx, auth.WithPrincipal(ctx.Context(), p))
	}
	next(ctx)
	if ctx.Method() != http.MethodGet && ctx.Status() < http.StatusBadRequest {
		s.audit(r, ctx, p)
	}
}

// admit returns the principal of a request, nil on a public route.
func (s *service) admit(ctx huma.Context, r *http.Request, scope auth.Scope) (*auth.Principal, error) {
	if scope == auth.Public {
		// A sign-in that another site made a browser send would leave its user
		// working in somebody else's name.
		return nil, s.opts.Auth.CheckOrigin(r)
	}
	p, err := s.opts.Auth.Authenticate(r)
	if err != nil {
		return nil, err
	}
	if queue := ctx.Param("queue"); queue != "" && !p.SeesQueue(queue) {
		return nil, queueForbidden("path.queue", queue)
	}
	if !p.Has(scope) {
		return nil, problem.New(http.StatusForbidden, "missing_scope", "This needs the scope "+string(scope)+".").
			At("header.Authorization", "The credential lacks the scope "+string(scope)+".")
	}
	return p, nil
}

func (s *service) audit(r *http.Request, ctx huma.Context, p *auth.Principal) {
	if p == nil {
		p = &auth.Principal{} // of a route that anyone may use, such as a sign-in
	}
	info := request.From(r.Context())
	s.opts.Audit.Record(r.Context(), store.AuditEntry{
		At: s.opts.Now().UnixMilli(), ActorKind: string(p.Kind), ActorID: p.ID, ActorName: p.Name,
		Action: ctx.Operation().OperationID, Target: r.URL.Path, Status: ctx.Status(),
		Address: info.Address, RequestID: info.ID,
	})
}
