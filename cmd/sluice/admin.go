package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"
)

// phase is where the gateway is in its life.
type phase struct{ n atomic.Int32 }

const (
	starting int32 = iota
	ready          // RTMP, HTTP and UDP are bound
	draining       // ending; no new work, please
)

func (p *phase) set(n int32) { p.n.Store(n) }

// ServeHTTP is /readyz: 200 while ready, else 503.
func (p *phase) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	switch p.n.Load() {
	case ready:
		fmt.Fprintln(w, "ready")
	case draining:
		http.Error(w, "draining", http.StatusServiceUnavailable)
	default:
		http.Error(w, "starting", http.StatusServiceUnavailable)
	}
}

// newAdminMux has what the operator can ask for from the start: metrics, health
// and profiles.
func newAdminMux(readyz, metrics http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.Handle("GET /readyz", readyz)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// newAdminServer serves the operator. It has no write timeout, since a profile
// takes as long as is asked for.
func newAdminServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}
