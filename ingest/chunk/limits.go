package chunk

import (
	"errors"
	"fmt"
)

// What a Reader stores for one connection is bounded by these and its Limits.
const (
	// MaxCommand is the greatest command or control message in bytes. The
	// longest seen is an onMetaData of 1 KiB; 64 KiB leaves room for tokens.
	MaxCommand = 64 << 10

	// MaxCommands bounds the memory for all commands under way together, until
	// the client has been let in: clients send one after the other.
	MaxCommands = 2 * MaxCommand

	// MaxMessage is the default of the greatest audio, video or aggregate
	// message in bytes. An intra frame of 2160p at 80 Mbit/s has about 2 MiB.
	MaxMessage = 8 << 20

	// Free is how much a publisher's messages under way may hold before they
	// count against the Budget, in bytes: most frames of 6 Mbit/s fit.
	Free = 128 << 10

	// MaxStreams is how many chunk streams one connection may use. OBS uses
	// 3, ffmpeg 5.
	MaxStreams = 16

	// MaxSize is the greatest chunk size (§5.4.1): no message is longer.
	MaxSize = 0xffffff

	// defaultSize is the chunk size until Set Chunk Size changes it (§5.4.1).
	defaultSize = 128
)

var (
	// ErrMalformed is wrapped by errors about bytes that are no chunk stream.
	ErrMalformed = errors.New("malformed chunk stream")

	// ErrLimit is wrapped by errors about bytes that ask for too much, which
	// are one of those below.
	ErrLimit = errors.New("beyond limits")

	// ErrMessage is about a message that is too long.
	ErrMessage = fmt.Errorf("message %w", ErrLimit)

	// ErrStreams is about too many chunk streams.
	ErrStreams = fmt.Errorf("chunk streams %w", ErrLimit)

	// ErrPending is about unfinished messages of one connection.
	ErrPending = fmt.Errorf("unfinished messages %w", ErrLimit)

	// ErrMemory is about unfinished messages of all connections, the end of the
	// one whose have been under way longest.
	ErrMemory = fmt.Errorf("unfinished messages of all publishers %w", ErrLimit)
)

// Limits bound what a Reader stores of audio and video. The zero value means
// the defaults.
type Limits struct {
	// Message is the greatest audio, video or aggregate message in bytes.
	// Default MaxMessage.
	Message int

	// Budget is shared by the Readers of all publishers. Default: none.
	Budget *Budget

	// Evict ends the connection because of ErrMemory. It is called from any
	// goroutine and must not wait. Required with a Budget.
	Evict func()

	commands bool // only these are stored
}

// message returns the greatest length of a message of a type in bytes; 0: such
// messages are skipped.
func (l *Limits) message(t Type) int {
	switch t {
	case Audio, Video, Aggregate:
		switch {
		case l.commands:
			return 0
		case l.Message > 0:
			return l.Message
		default:
			return MaxMessage
		}
	case SetChunkSize, Abort, Acknowledgement, UserControl, WindowAckSize, SetPeerBandwidth, CommandAMF0, CommandAMF3:
		return MaxCommand
	case DataAMF0:
		if l.commands {
			return 0
		}
		return MaxCommand
	default:
		return 0
	}
}

// pending bounds the memory for all messages under way together: one greatest
// video message with audio and commands sent between its chunks.
func (l *Limits) pending() int {
	if l.commands {
		return MaxCommands
	}
	return max(l.message(Video)+l.message(Video)/2, MaxCommands)
}
