package backend

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// probeTimeout is how long a store may take to answer a readiness probe.
const probeTimeout = 2 * time.Second

// health says that the process serves requests.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	writeHealth(w, http.StatusOK, map[string]string{"status": "ok"})
}

// ready says whether the stores answer, and so whether requests can succeed.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
	defer cancel()
	client := s.opts.Redis.Client()
	var g errgroup.Group
	redis, sql := "ok", "ok"
	g.Go(func() error {
		redis = s.probe(ctx, "redis", client.Do(ctx, client.B().Ping().Build()).Error())
		return nil
	})
	g.Go(func() error {
		sql = s.probe(ctx, "sql", s.opts.Store.Ping(ctx))
		return nil
	})
	_ = g.Wait() // the probes tell by their words
	answer, status := map[string]string{"status": "ok", "redis": redis, "sql": sql}, http.StatusOK
	if redis != "ok" || sql != "ok" {
		answer["status"], status = "unavailable", http.StatusServiceUnavailable
	}
	writeHealth(w, status, answer)
}

// probe puts the outcome of a check into a word; the cause is for the log only.
func (s *Server) probe(ctx context.Context, store string, err error) string {
	if err == nil {
		return "ok"
	}
	s.opts.Logger.WarnContext(ctx, "store not ready", slog.String("store", store), slog.Any("error", err))
	return "unavailable"
}

func writeHealth(w http.ResponseWriter, status int, answer map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client has gone if this fails
}
