//go:build linux

package load

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"
)

// The payload types that we offer.
const (
	payloadH264 = 102
	payloadRTX  = 103
	payloadOpus = 111
)

// offer returns an SDP offer of what a browser would: H.264 in packetization
// mode 1 with NACK, PLI and retransmissions, and stereo Opus. It holds no
// candidate; the server learns our address from the first check.
func offer(ufrag, pwd string, certificate tls.Certificate) string {
	hash := sha256.Sum256(certificate.Certificate[0])
	fingerprint := strings.ReplaceAll(fmt.Sprintf("% X", hash), " ", ":")
	transport := "c=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na=recvonly\r\na=ice-ufrag:" + ufrag + "\r\na=ice-pwd:" + pwd +
		"\r\na=ice-options:trickle\r\na=fingerprint:sha-256 " + fingerprint + "\r\na=setup:actpass\r\n"
	return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" +
		"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" + transport +
		"a=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\n" + transport +
		"a=mid:1\r\na=rtpmap:102 H264/90000\r\na=rtcp-fb:102 nack\r\na=rtcp-fb:102 nack pli\r\na=rtcp-fb:102 ccm fir\r\n" +
		"a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n" +
		"a=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n"
}

// session is what a WHEP server answered.
type session struct {
	location   string // URL
	ufrag, pwd string
	active     bool // the server is the DTLS client
	candidates []netip.AddrPort
}

// post opens a session (draft-ietf-wish-whep-04 §4.3).
func post(ctx context.Context, client *http.Client, endpoint, offer string) (*session, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(offer))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/sdp")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusCreated {
		return nil, fmt.Errorf("offer answered %s: %s", resp.Status, bytes.TrimSpace(body))
	}
	s, err := parseAnswer(body)
	if err != nil {
		return nil, err
	}
	location, err := req.URL.Parse(resp.Header.Get("Location"))
	if err != nil {
		return nil, fmt.Errorf("location: %w", err)
	}
	s.location = location.String()
	return s, nil
}

func parseAnswer(text []byte) (*session, error) {
	var desc sdp.SessionDescription
	if err := desc.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	s := &session{}
	lists := [][]sdp.Attribute{desc.Attributes}
	for _, m := range desc.MediaDescriptions {
		lists = append(lists, m.Attributes)
	}
	for _, list := range lists {
		for _, a := range list {
			switch a.Key {
			case "ice-ufrag":
				s.ufrag = a.Value
			case "ice-pwd":
				s.pwd = a.Value
			case "setup":
				s.active = a.Value == "active"
			case "candidate":
				s.addCandidate(strings.Fields(a.Value))
			}
		}
	}
	if s.ufrag == "" || s.pwd == "" || len(s.candidates) == 0 {
		return nil, errors.New("answer without ICE credentials or without an IPv4 candidate over UDP")
	}
	return s, nil
}

func (s *session) addCandidate(f []string) {
	if len(f) < 8 || f[1] != "1" || !strings.EqualFold(f[2], "udp") {
		return
	}
	ip, err := netip.ParseAddr(f[4])
	port, portErr := strconv.ParseUint(f[5], 10, 16)
	if err == nil && portErr == nil && ip.Is4() {
		s.candidates = append(s.candidates, netip.AddrPortFrom(ip, uint16(port)))
	}
}

// remove ends a session (draft-ietf-wish-whep-04 §4.5).
func remove(ctx context.Context, client *http.Client, location string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, location, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("delete answered %s", resp.Status)
	}
	return nil
}

// localFor returns the address to bind a socket to that reaches a URL's host.
func localFor(endpoint string) (netip.Addr, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return netip.Addr{}, err
	}
	conn, err := net.Dial("udp4", net.JoinHostPort(u.Hostname(), "9"))
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr(), nil
}
