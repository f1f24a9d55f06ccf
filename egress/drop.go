package egress

// DropReason tells why a frame was not sent to a viewer; it is the metric
// label.
type DropReason string

// The reasons.
const (
	// DropQueueFull: the viewer takes frames more slowly than they come.
	DropQueueFull DropReason = "queue_full"
	// DropWaitIDR: the viewer waits for an IDR, and this is none.
	DropWaitIDR DropReason = "wait_idr"
	// DropSuperseded: a newer IDR came while older frames were replayed.
	DropSuperseded DropReason = "superseded"
	// DropSendError: a packet of it could not be sent.
	DropSendError DropReason = "send_error"
)
