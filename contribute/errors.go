package contribute

import "errors"

// Errors of Server.Admit and Admission.Publish. Those of offers are rtc's.
var (
	// ErrTaken: the name has another publisher.
	ErrTaken = errors.New("the name is being published already")
	// ErrTooMany: Config.MaxPublishers or MaxPerAddress is reached.
	ErrTooMany = errors.New("too many publishers")
	// ErrClosed: the Server was closed.
	ErrClosed = errors.New("server closed")
)

// Causes of a Publisher's end, see Publisher.Context.
var (
	// ErrStopped: Close was called.
	ErrStopped = errors.New("publisher stopped")
	// ErrNeverConnected: ICE and DTLS were not done in time.
	ErrNeverConnected = errors.New("publisher never connected")
	// ErrConsentLost: the publisher's checks stopped (RFC 7675).
	ErrConsentLost = errors.New("publisher lost consent")
	// ErrLeft: the publisher sent a DTLS close_notify.
	ErrLeft = errors.New("publisher left")
	// ErrIdle: it sent nothing for Config.IdleTimeout.
	ErrIdle = errors.New("publisher sends nothing")
	// ErrEnded is wrapped by causes that Admitted.Open's end was called with.
	ErrEnded = errors.New("ended by the server")
	// ErrStream is wrapped by errors of the media.Writer.
	ErrStream = errors.New("stream ended")
)
