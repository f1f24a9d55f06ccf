package chunk

import (
	"cmp"
	"errors"
	"fmt"
)

// What a Reader stores for one connection is bounded by its Limits, and by these.
const (
	// MaxCommand is the default of the greatest command or control message in
	// bytes. The longest seen is an onMetaData of 1 KiB; 64 KiB leaves room for
	// tokens.
	MaxCommand = 64 << 10

	// MaxMessage is the default of the greatest audio, video or aggregate
	// message in bytes. An intra frame of 2160p at 80 Mbit/s has about 2 MiB.
	MaxMessage = 8 << 20

	// Free is how much a publisher's messages under way may hold before they
	// count against the Budget, in bytes: most frames of 6 Mbit/s fit.
	Free = 128 << 10

	// MaxStreams is the default of how many chunk streams one connection may
	// use. OBS uses 3, ffmpeg 5.
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

// Limits bound what a Reader stores. The zero value means the defaults.
type Limits struct {
	// Command is the greatest command or control message in bytes, and half of
	// what all of them under way may hold together until the client has been let
	// in: clients send one after the other. Default MaxCommand.
	Command int

	// Message is the greatest audio, video or aggregate message in bytes.
	// Default MaxMessage.
	Message int

	// Streams is how many chunk streams there may be. Default MaxStreams.
	Streams int

	// Budget is shared by the Readers of all publishers. Default: none.
	Budget *Budget

	// Evict ends the connection because of ErrMemory. It is called from any
	// goroutine and must not wait. Required with a Budget.
	Evict func()

	commands bool // only these are stored
}

func (l Limits) withDefaults() Limits {
	l.Command = cmp.Or(l.Command, MaxCommand)
	l.Message = cmp.Or(l.Message, MaxMessage)
	l.Streams = cmp.Or(l.Streams, MaxStreams)
	return l
}

// message returns the greatest length of a message of a type in bytes; 0: such
// messages are skipped.
func (l *Limits) message(t Type) int {
	switch t {
	case Audio, Video, Aggregate:
		if l.commands {
			return 0
		}
		return l.Message
	case SetChunkSize, Abort, Acknowledgement, UserControl, WindowAckSize, SetPeerBandwidth, CommandAMF0, CommandAMF3:
		return l.Command
	case DataAMF0:
		if l.commands {
			return 0
		}
		return l.Command
	default:
		return 0
	}
}

// pending bounds the memory for all messages under way together: one greatest
// video message with audio and commands sent between its chunks.
func (l *Limits) pending() int {
	commands := 2 * l.Command
	if l.commands {
		return commands
	}
	return max(l.Message+l.Message/2, commands)
}
