package chunk

import "fmt"

// parts are the messages still to come out of an aggregate (§7.1.6): FLV tags
// one after another, each with the length of itself behind it.
type parts struct {
	whole Message
	rest  []byte
	shift uint32 // from the tags' timestamps to the aggregate's, ms
}

const (
	tagHeader  = 11 // type, length, timestamp, stream id
	tagTrailer = 4  // length of the tag
)

// split checks an aggregate and returns its parts.
func split(m Message) (parts, error) {
	for b := m.Body; len(b) > 0; {
		if len(b) < tagHeader || len(b) < tagHeader+int(uint24(b[1:]))+tagTrailer {
			return parts{}, fmt.Errorf("%w: aggregate ends inside a message", ErrMalformed)
		}
		b = b[tagHeader+int(uint24(b[1:]))+tagTrailer:]
	}
	p := parts{whole: m, rest: m.Body}
	if len(m.Body) > 0 {
		p.shift = m.Timestamp - tagTime(m.Body)
	}
	return p, nil
}

// next returns the next audio or video message; false: there is none.
func (p *parts) next() (Message, bool) {
	for len(p.rest) > 0 {
		tag := p.rest
		end := tagHeader + int(uint24(tag[1:]))
		p.rest = tag[end+tagTrailer:]
		t := Type(tag[0])
		if (t == Audio || t == Video) && end > tagHeader {
			return Message{
				Type:      t,
				StreamID:  p.whole.StreamID,
				Timestamp: tagTime(tag) + p.shift,
				Body:      tag[tagHeader:end],
			}, true
		}
	}
	return Message{}, false
}

// tagTime returns an FLV tag's timestamp: 24 bits, then the upper 8.
func tagTime(tag []byte) uint32 { return uint32(tag[7])<<24 | uint24(tag[4:]) }
