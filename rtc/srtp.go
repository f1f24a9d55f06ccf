package rtc

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// sealer makes SRTP packets for one session. It is the only one for its key: a
// second would use nonces again.
type sealer interface {
	// overhead is by how many bytes a packet grows.
	overhead() int
	// seal writes a packet to the beginning of room, which is large enough.
	seal(room []byte, h *rtp.Header, payload []byte) (n int, err error)
	// sealRTCP does so with a compound RTCP packet, for which room has
	// rtcpGrows bytes more.
	sealRTCP(room, packet []byte) (n int, err error)
}

// rtcpGrows bounds by how many bytes an RTCP packet grows, whatever the profile.
const rtcpGrows = rtcpIndex + 16

func newSealer(profile srtp.ProtectionProfile, keys srtp.SessionKeys) (sealer, error) {
	switch profile {
	case srtp.ProtectionProfileAeadAes128Gcm, srtp.ProtectionProfileAeadAes256Gcm:
		return newGCM(keys.LocalMasterKey, keys.LocalMasterSalt)
	default:
		return newUsual(profile, keys)
	}
}

// gcm is AES-GCM (RFC 7714), which encrypts on the way into the room.
type gcm struct {
	aead    cipher.AEAD
	salt    [gcmNonce]byte
	nonce   [gcmNonce]byte // of the packet at hand
	streams []counter      // few

	rtcp     cipher.AEAD
	rtcpSalt [gcmNonce]byte
	rtcpNext uint32 // index
	aad      [rtcpClear + rtcpIndex]byte
}

const gcmNonce = 12

func newGCM(masterKey, masterSalt []byte) (g *gcm, err error) {
	g = &gcm{}
	if g.aead, err = g.session(masterKey, masterSalt, labelKey, labelSalt, &g.salt); err != nil {
		return nil, err
	}
	g.rtcp, err = g.session(masterKey, masterSalt, labelRTCPKey, labelRTCPSalt, &g.rtcpSalt)
	return g, err
}

// session returns the cipher for a session key and sets the salt beside it.
func (g *gcm) session(masterKey, masterSalt []byte, keyLabel, saltLabel byte, salt *[gcmNonce]byte) (cipher.AEAD, error) {
	key, err := derive(masterKey, masterSalt, keyLabel, len(masterKey))
	if err != nil {
		return nil, err
	}
	made, err := derive(masterKey, masterSalt, saltLabel, gcmNonce)
	if err != nil {
		return nil, err
	}
	copy(salt[:], made)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Labels of what is derived from a master key (RFC 3711 §4.3.1, §4.3.2).
const (
	labelKey      = 0x00
	labelSalt     = 0x02
	labelRTCPKey  = 0x03
	labelRTCPSalt = 0x05
)

// derive makes n bytes of session key or salt (RFC 3711 §4.3.3, without a
// derivation rate).
func derive(masterKey, masterSalt []byte, label byte, n int) ([]byte, error) {
	block, err := aes.NewCipher(masterKey)
	if err != nil {
		return nil, err
	}
	var x [aes.BlockSize]byte
	copy(x[:], masterSalt)
	x[7] ^= label
	out := make([]byte, n)
	cipher.NewCTR(block, x[:]).XORKeyStream(out, out)
	return out, nil
}

func (g *gcm) overhead() int { return g.aead.Overhead() }

func (g *gcm) seal(room []byte, h *rtp.Header, payload []byte) (int, error) {
	n, err := h.MarshalTo(room)
	if err != nil {
		return 0, err
	}
	g.setNonce(&g.salt, h.SSRC, g.stream(h.SSRC).index(h.SequenceNumber))
	return n + len(g.aead.Seal(room[n:n], g.nonce[:], payload, room[:n])), nil
}

// sealRTCP encrypts all but the first header (RFC 7714 §9.2). One index for all
// SSRCs never comes twice for any.
func (g *gcm) sealRTCP(room, packet []byte) (int, error) {
	const encrypted = 1 << 31 // E flag
	if len(packet) < rtcpClear {
		return 0, errShortRTCP
	}
	index := g.rtcpNext
	g.rtcpNext = (index + 1) &^ encrypted
	g.setNonce(&g.rtcpSalt, binary.BigEndian.Uint32(packet[4:]), uint64(index))
	copy(g.aad[:], packet[:rtcpClear])
	binary.BigEndian.PutUint32(g.aad[rtcpClear:], index|encrypted)
	n := copy(room, packet[:rtcpClear])
	n += len(g.rtcp.Seal(room[n:n], g.nonce[:], packet[rtcpClear:], g.aad[:]))
	return n + copy(room[n:], g.aad[rtcpClear:]), nil
}

// An SRTCP packet begins with what is not encrypted and ends with its index, in
// bytes.
const (
	rtcpClear = 8
	rtcpIndex = 4
)

// setNonce sets the nonce of a packet (RFC 7714 §8.1, §9.1).
func (g *gcm) setNonce(salt *[gcmNonce]byte, ssrc uint32, index uint64) {
	binary.BigEndian.PutUint32(g.nonce[2:], ssrc)
	binary.BigEndian.PutUint16(g.nonce[6:], uint16(index>>32))
	binary.BigEndian.PutUint32(g.nonce[8:], uint32(index))
	g.nonce[0], g.nonce[1] = 0, 0
	for i, b := range salt {
		g.nonce[i] ^= b
	}
}

func (g *gcm) stream(ssrc uint32) *counter {
	for i := range g.streams {
		if g.streams[i].ssrc == ssrc {
			return &g.streams[i]
		}
	}
	g.streams = append(g.streams, counter{ssrc: ssrc})
	return &g.streams[len(g.streams)-1]
}

// counter knows how often the sequence number of a stream came round.
type counter struct {
	ssrc  uint32
	begun bool
	last  uint64 // index
}

// index returns the 48-bit index of a packet, the one that is nearest to the
// last (RFC 3711 §3.3.1): a packet that is sent again keeps its own.
func (c *counter) index(seq uint16) uint64 {
	if !c.begun {
		c.begun, c.last = true, uint64(seq)
	}
	c.last += uint64(int16(seq - uint16(c.last)))
	return c.last
}

// usual is pion's SRTP, for the profiles of older receivers.
type usual struct {
	context *srtp.Context
	grows   int
	header  rtp.Header // that pion reads from the packet
}

func newUsual(profile srtp.ProtectionProfile, keys srtp.SessionKeys) (*usual, error) {
	grows, err := profile.AuthTagRTPLen()
	if err != nil {
		return nil, err
	}
	c, err := srtp.CreateContext(keys.LocalMasterKey, keys.LocalMasterSalt, profile)
	return &usual{context: c, grows: grows}, err
}

func (u *usual) overhead() int { return u.grows }

func (u *usual) seal(room []byte, h *rtp.Header, payload []byte) (int, error) {
	n, err := h.MarshalTo(room)
	if err != nil {
		return 0, err
	}
	n += copy(room[n:], payload)
	sealed, err := u.context.EncryptRTP(room, room[:n], &u.header)
	return len(sealed), err
}

func (u *usual) sealRTCP(room, packet []byte) (int, error) {
	sealed, err := u.context.EncryptRTCP(room, packet, nil)
	return len(sealed), err
}
