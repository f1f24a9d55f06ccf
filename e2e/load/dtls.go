//go:build linux

package load

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/packetio"
)

// dtlsPipe carries a viewer's DTLS records between its socket and pion.
type dtlsPipe struct {
	*packetio.Buffer // what came
	to               netip.AddrPort
	send             func([]byte, netip.AddrPort)
}

func (p *dtlsPipe) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := p.Read(b)
	return n, p.RemoteAddr(), err
}

func (p *dtlsPipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	p.send(b, p.to)
	return len(b), nil
}

func (p *dtlsPipe) LocalAddr() net.Addr              { return p.RemoteAddr() }
func (p *dtlsPipe) RemoteAddr() net.Addr             { return net.UDPAddrFromAddrPort(p.to) }
func (p *dtlsPipe) SetDeadline(t time.Time) error    { return p.SetReadDeadline(t) }
func (p *dtlsPipe) SetWriteDeadline(time.Time) error { return nil }

// profiles are what the viewers support. Where one is the DTLS server the choice
// is its own, and it takes the first.
func (t Traits) profiles() []dtls.SRTPProtectionProfile {
	if t.GCM {
		return []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80}
	}
	return []dtls.SRTPProtectionProfile{dtls.SRTP_AES128_CM_HMAC_SHA1_80, dtls.SRTP_AEAD_AES_128_GCM}
}

// keys shakes hands and returns the contexts that decrypt what the server
// sends and encrypt what we do. The server's certificate does not matter to us.
func keys(ctx context.Context, pipe *dtlsPipe, a *Audience, client bool) (in, out *srtp.Context, err error) {
	var conn *dtls.Conn
	if client {
		conn, err = dtls.ClientWithOptions(pipe, pipe.RemoteAddr(), dtls.WithCertificates(a.certificate),
			dtls.WithSRTPProtectionProfiles(a.traits.profiles()...), dtls.WithInsecureSkipVerify(true),
			dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret))
	} else {
		conn, err = dtls.ServerWithOptions(pipe, pipe.RemoteAddr(), dtls.WithCertificates(a.certificate),
			dtls.WithSRTPProtectionProfiles(a.traits.profiles()...), dtls.WithInsecureSkipVerify(true),
			dtls.WithInsecureSkipVerifyHello(true), dtls.WithClientAuth(dtls.RequireAnyClientCert))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("DTLS: %w", err)
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, nil, fmt.Errorf("DTLS handshake: %w", err)
	}
	state, _ := conn.ConnectionState()
	profile, _ := conn.SelectedSRTPProtectionProfile()
	config := srtp.Config{Profile: srtp.ProtectionProfile(profile)}
	if err := config.ExtractSessionKeysFromDTLS(&state, client); err != nil {
		return nil, nil, fmt.Errorf("SRTP keys: %w", err)
	}
	k := config.Keys
	if in, err = srtp.CreateContext(k.RemoteMasterKey, k.RemoteMasterSalt, config.Profile); err != nil {
		return nil, nil, err
	}
	out, err = srtp.CreateContext(k.LocalMasterKey, k.LocalMasterSalt, config.Profile)
	return in, out, err
}
