package rtc

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"
)

// errNoKeys says that a handshake was not seen whole: it is not done, or not
// as the server.
var errNoKeys = errors.New("the DTLS handshake has not told its keys")

// secrets are what one session's DTLS handshake leads to keys by. pion keeps
// the connection to itself, but shows the ServerHello that it sends and writes
// a key log: here that goes nowhere else.
type secrets struct {
	// guarded by mu
	mu      sync.Mutex
	hello   *handshake.MessageServerHello
	client  []byte // its random
	master  []byte
	profile dtls.SRTPProtectionProfile
}

// watch makes the settings of one session tell its secrets.
func (s *secrets) watch(settings *webrtc.SettingEngine) {
	settings.SetDTLSServerHelloMessageHook(s.noteHello)
	settings.SetDTLSKeyLogWriter(s)
}

func (s *secrets) noteHello(m handshake.MessageServerHello) handshake.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hello = &m
	for _, e := range m.Extensions {
		if use, ok := e.(*extension.UseSRTP); ok && len(use.ProtectionProfiles) == 1 {
			s.profile = use.ProtectionProfiles[0]
		}
	}
	return &m
}

// Write takes a line of the key log.
func (s *secrets) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := fmt.Fscanf(bytes.NewReader(line), "CLIENT_RANDOM %x %x\n", &s.client, &s.master); err != nil {
		s.master = nil
	}
	return len(line), nil
}

// keys returns the profile and the keys for what the server sends (RFC 5764
// §4.2), once: the secrets are forgotten.
func (s *secrets) keys() (srtp.ProtectionProfile, srtp.SessionKeys, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hello == nil || s.hello.CipherSuiteID == nil || s.master == nil {
		return 0, srtp.SessionKeys{}, errNoKeys
	}
	c := srtp.Config{Profile: srtp.ProtectionProfile(s.profile)} // both are IANA's numbers
	err := c.ExtractSessionKeysFromDTLS(s, false)
	clear(s.master)
	s.master = nil
	return c.Profile, c.Keys, err
}

// ExportKeyingMaterial implements srtp.KeyingMaterialExporter (RFC 5705 §4);
// mu is held.
func (s *secrets) ExportKeyingMaterial(label string, _ []byte, length int) ([]byte, error) {
	server := s.hello.Random.MarshalFixed()
	seed := append(append([]byte(label), s.client...), server[:]...)
	return prf.PHash(s.master, seed, length, prfHash(dtls.CipherSuiteID(*s.hello.CipherSuiteID)))
}

// prfHash returns the hash of a cipher suite's pseudorandom function: SHA-256
// unless the suite says otherwise (RFC 5246 §5).
func prfHash(suite dtls.CipherSuiteID) func() hash.Hash {
	switch suite {
	case dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:
		return sha512.New384
	default:
		return sha256.New
	}
}
