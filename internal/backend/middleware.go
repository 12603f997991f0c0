package backend

import (
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/jobrunner-dev/jobrunner/internal/backend/problem"
	"github.com/jobrunner-dev/jobrunner/internal/backend/request"
)

// describe gives every request an id, which its answer carries too.
func (s *Server) describe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := request.Describe(r)
		w.Header().Set(request.IDHeader, info.ID)
		next.ServeHTTP(w, r.WithContext(request.With(r.Context(), info)))
	})
}

// recover answers a request whose handler has panicked, and keeps the process running.
func (s *Server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() { //nolint:contextcheck // the request's own context
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // panics with the value itself
				panic(v)
			}
			info := request.From(r.Context())
			s.opts.Logger.ErrorContext(r.Context(), "request handler panicked", slog.Any("panic", v),
				slog.String("request_id", info.ID), slog.String("stack", string(debug.Stack())))
			if ww.Status() == 0 {
				problem.Write(ww, info.ID, problem.New(http.StatusInternalServerError, "internal", "The server failed to answer; its log says why."))
			}
		}()
		next.ServeHTTP(ww, r)
	})
}

// logAccess writes one line for each request: at debug level what browsers and
// probes ask for again and again, at info level what changes something or fails.
func (s *Server) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() { //nolint:contextcheck // the request's own context
			level := slog.LevelInfo
			if (r.Method == http.MethodGet || r.Method == http.MethodHead) && ww.Status() < http.StatusInternalServerError {
				level = slog.LevelDebug
			}
			info := request.From(r.Context())
			s.opts.Logger.LogAttrs(r.Context(), level, "request",
				slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", ww.Status()),
				slog.Int("bytes", ww.BytesWritten()), slog.Duration("took", time.Since(began)),
				slog.String("address", info.Address), slog.String("request_id", info.ID))
		}()
		next.ServeHTTP(ww, r)
	})
}

// secureHeaders are those of answers that are no pages. Parts that serve pages
// replace the policy with their own.
func secureHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// compressed zips the answers of reads. Answers with new credentials are left
// as they are, since their size must not tell about them.
func compressed(next http.Handler) http.Handler {
	zipped := middleware.Compress(5, "application/json", "text/html", "text/css")(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			zipped.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// notFound leaves to the web client what is no other part's.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	if s.opts.Web == nil || strings.HasPrefix(r.URL.Path, "/api/") {
		problem.Write(w, request.From(r.Context()).ID, problem.New(http.StatusNotFound, "route_not_found", "There is nothing at this path."))
		return
	}
	s.opts.Web.ServeHTTP(w, r)
}

func methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	routes := chi.RouteContext(r.Context()).Routes
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if routes.Match(chi.NewRouteContext(), method, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	problem.Write(w, request.From(r.Context()).ID, problem.New(http.StatusMethodNotAllowed, "method_not_allowed", "This path does not take the method "+r.Method+"."))
}
