package rtc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
)

// certificateAge is when the shared DTLS certificate is replaced; pion makes
// them valid for a month.
const certificateAge = 7 * 24 * time.Hour

// certificate is the DTLS certificate of all sessions.
type certificate struct {
	mu      sync.Mutex
	current *webrtc.Certificate
	made    time.Time
}

// now returns the one that sessions beginning now share.
func (c *certificate) now() (webrtc.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); c.current == nil || now.Sub(c.made) > certificateAge {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return webrtc.Certificate{}, fmt.Errorf("generate a DTLS key: %w", err)
		}
		made, err := webrtc.GenerateCertificate(key)
		if err != nil {
			return webrtc.Certificate{}, fmt.Errorf("generate a DTLS certificate: %w", err)
		}
		c.current, c.made = made, now
	}
	return *c.current, nil
}
