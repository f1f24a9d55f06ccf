package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// newWebServer serves viewers. The limits are for clients that are slow on
// purpose; a request of ours is an SDP of a few KB and answered in
// milliseconds.
func newWebServer(h http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second, // an offer over a phone's worst connection
		WriteTimeout:      30 * time.Second, // the page's assets over the same
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10, // cookies and a bearer token fit
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}

// httpGrace is what requests get to finish when Sluice ends. Ours take
// milliseconds; a connection that a browser opened ahead of need, or a running
// profile, is not worth waiting for.
const httpGrace = 2 * time.Second

// endHTTP lets running requests finish, and cuts those that do not.
func endHTTP(ctx context.Context, s *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, httpGrace)
	defer cancel()
	if s.Shutdown(ctx) == nil {
		return nil
	}
	return s.Close()
}
