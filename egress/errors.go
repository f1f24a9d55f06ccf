package egress

import (
	"errors"

	"github.com/sluice-media/sluice/rtc"
)

// Errors of Server.Publish and Server.Play.
var (
	// ErrNoStream: nobody publishes under that name, nor did until just now.
	ErrNoStream = errors.New("no such stream")
	// ErrNotLive: the publisher is gone, its viewers wait for it to come back.
	ErrNotLive = errors.New("stream has no publisher now")
	// ErrStreamBusy: the name already has a publisher.
	ErrStreamBusy = errors.New("stream already has a publisher")
	// ErrTooManyViewers: Config.MaxViewers is reached.
	ErrTooManyViewers = errors.New("too many viewers")
	// ErrBadOffer: the SDP is malformed or contradicts itself.
	ErrBadOffer = rtc.ErrBadOffer
	// ErrNoCommonCodec: the offer is sound but holds nothing Sluice can send.
	ErrNoCommonCodec = rtc.ErrNoCommonCodec
	// ErrClosed: the Server was closed.
	ErrClosed = errors.New("server closed")
)

// Causes of a Viewer's end, see Viewer.Context.
var (
	// ErrViewerClosed: Close was called.
	ErrViewerClosed = errors.New("viewer closed")
	// ErrNeverConnected: ICE and DTLS were not done in time.
	ErrNeverConnected = errors.New("viewer never connected")
	// ErrConsentLost: the viewer's checks stopped (RFC 7675).
	ErrConsentLost = errors.New("viewer lost consent")
	// ErrViewerLeft: the viewer sent a DTLS close_notify.
	ErrViewerLeft = errors.New("viewer left")
	// ErrKicked: EndViewer was called.
	ErrKicked = errors.New("viewer ended by the operator")
	// ErrCodecChanged: the publisher changed to video that was not negotiated.
	ErrCodecChanged = errors.New("codec changed")
	// ErrStreamEnded: the publisher did not come back in time.
	ErrStreamEnded = errors.New("stream ended")
)
