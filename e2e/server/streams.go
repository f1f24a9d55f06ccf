package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
)

// liveTime is how long a publisher may take from its start to its first frame:
// OBS needs up to 5 s on an idle machine.
const liveTime = 30 * time.Second

// Stream is one entry of GET /api/streams.
type Stream struct {
	Name    string
	Live    bool
	Viewers int
	Video   *struct {
		Codec         string
		Width, Height int
		FrameRate     float64
		BFrames       bool
		Treatment     string
		Hint          string
	}
	Audio *struct {
		Codec                string
		SampleRate, Channels int
	}
	Metadata map[string]any
}

// Streams reads the stream list.
func (s *Server) Streams() ([]Stream, error) {
	resp, err := http.Get("http://" + s.HTTP + "/api/streams?token=" + s.Token)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("/api/streams says %s", resp.Status)
	}
	var list struct{ Streams []Stream }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("/api/streams: %w", err)
	}
	return list.Streams, nil
}

// Stream returns a stream's entry; one that is not listed is not live.
func (s *Server) Stream(name string) (Stream, error) {
	list, err := s.Streams()
	for _, entry := range list {
		if entry.Name == name {
			return entry, nil
		}
	}
	return Stream{Name: name}, err
}

// WaitLive waits until a stream is live and its pictures are known.
func (s *Server) WaitLive(name string) Stream {
	s.tb.Helper()
	var found Stream
	await.Success(s.tb, liveTime, func() (err error) {
		found, err = s.Stream(name)
		if err == nil && (!found.Live || found.Video == nil) {
			err = fmt.Errorf("%s is not live: %+v", name, found)
		}
		return err
	})
	return found
}

// WaitOffline waits until a stream has no publisher.
func (s *Server) WaitOffline(name string) {
	s.tb.Helper()
	await.Success(s.tb, liveTime, func() error {
		found, err := s.Stream(name)
		if err == nil && found.Live {
			err = fmt.Errorf("%s is still live", name)
		}
		return err
	})
}
