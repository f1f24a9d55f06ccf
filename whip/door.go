package whip

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/sluice-media/sluice/metrics"
)

// door is what WHEP and WHIP have in common: sessions, and what can be done
// with them by HTTP.
type door struct {
	// static
	origins    origins
	iceServers func(v Visit) []ICEServer // nil: none
	crowd      crowd
	metrics    metrics.Door
	log        *slog.Logger

	sessions table
}

// Close ends all sessions and waits for their ends; it cannot fail. Later
// offers are refused with 503.
func (d *door) Close() error {
	d.sessions.close()
	return nil
}

// let does what every request needs, and refuses those of pages that may not
// make any.
func (d *door) let(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !d.origins.let(w.Header(), r) && r.Method != http.MethodOptions { // its preflight learns it from the header
		refuse(http.StatusForbidden, "pages of this origin may not do this").write(w)
		return false
	}
	if r.Body != nil && r.Body != http.NoBody {
		// Here and not where a body is read, because net/http also reads,
		// without a limit in time, what a refused request left unread. A
		// writer without deadlines is one of a test.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	}
	return true
}

// counted counts the requests that next answers.
func (d *door) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(s, r)
		d.metrics.Request(r.Method, s.status)
	})
}

// statusWriter remembers the status code written.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap gives http.ResponseController the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
