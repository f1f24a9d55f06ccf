//go:build !linux

package rtc

import "errors"

var errNoSegments = errors.New("no segmentation offload on this system")

// sendCall sends one packet at a time.
type sendCall struct{ socket udpConn }

func newSendCall(socket udpConn) *sendCall { return &sendCall{socket} }

// send sends one message, if it is one packet.
func (c *sendCall) send(packets []byte, messages []message) (sent int, err error) {
	m := messages[0]
	if m.count > 1 {
		return 0, errNoSegments
	}
	if _, err := c.socket.WriteToUDPAddrPort(packets[m.start:m.end], m.to); err != nil {
		return 0, err
	}
	return 1, nil
}

func refusesSegments(err error) bool { return errors.Is(err, errNoSegments) }
