package server

import (
	"fmt"
	"io"
	"net/http"
)

// Goroutines counts sluice's goroutines and returns their stacks, grouped. A
// connection that only our own HTTP client keeps open is closed before.
func (s *Server) Goroutines() (count int, stacks string) {
	s.tb.Helper()
	http.DefaultClient.CloseIdleConnections()
	resp, err := http.Get("http://" + s.Admin + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		s.tb.Fatalf("goroutine profile: %v", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.tb.Fatalf("goroutine profile: %v", err)
	}
	if _, err := fmt.Sscanf(string(text), "goroutine profile: total %d", &count); err != nil {
		s.tb.Fatalf("goroutine profile: %v", err)
	}
	return count, string(text)
}
