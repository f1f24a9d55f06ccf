package ingest

import "time"

// sparse thins out the log lines about a repeated trouble to one a second.
type sparse struct {
	last  time.Time
	count int
}

// hit counts one occurrence. If it is time for a line it returns how many
// there were since the last one, else 0.
func (s *sparse) hit(now time.Time) int {
	s.count++
	if now.Sub(s.last) < time.Second {
		return 0
	}
	s.last = now
	return s.flush()
}

// flush returns how many occurrences no line has told of yet.
func (s *sparse) flush() int {
	n := s.count
	s.count = 0
	return n
}
