package rtmp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// defaultChunkSize holds in each direction until its sender says otherwise.
const defaultChunkSize = 128

// write sends a message in one call, as a type 0 chunk and its type 3
// continuations (Adobe RTMP 1.0 §5.3.1).
func (p *Publisher) write(chunkStream, kind byte, timestamp, stream uint32, body []byte) error {
	_, err := p.conn.Write(message(chunkStream, kind, timestamp, stream, body))
	return err
}

func message(chunkStream, kind byte, timestamp, stream uint32, body []byte) []byte {
	short := min(timestamp, 0xffffff)
	b := []byte{
		chunkStream, byte(short >> 16), byte(short >> 8), byte(short),
		byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body)), kind,
	}
	b = binary.LittleEndian.AppendUint32(b, stream)
	for first := true; first || len(body) > 0; first = false {
		if !first {
			b = append(b, 3<<6|chunkStream)
		}
		if short == 0xffffff {
			b = binary.BigEndian.AppendUint32(b, timestamp)
		}
		n := min(len(body), defaultChunkSize)
		b, body = append(b, body[:n]...), body[n:]
	}
	return b
}

// chunkReader puts the server's messages together.
type chunkReader struct {
	r       *bufio.Reader
	size    int
	streams map[byte]*chunkStream
}

type chunkStream struct {
	kind         byte
	length       int
	extendedTime bool
	body         []byte // what has come of the present message
}

func newChunkReader(r *bufio.Reader) *chunkReader {
	return &chunkReader{r: r, size: defaultChunkSize, streams: map[byte]*chunkStream{}}
}

// message returns the next whole message.
func (c *chunkReader) message() (kind byte, body []byte, err error) {
	for {
		s, err := c.chunk()
		if err != nil {
			return 0, nil, err
		}
		if len(s.body) < s.length {
			continue
		}
		body, s.body = s.body, nil
		if s.kind == typeSetChunkSize && len(body) == 4 {
			c.size = int(binary.BigEndian.Uint32(body))
		}
		return s.kind, body, nil
	}
}

func (c *chunkReader) chunk() (*chunkStream, error) {
	basic, err := c.r.ReadByte()
	if err != nil {
		return nil, err
	}
	format, id := basic>>6, basic&0x3f
	if id < 2 {
		return nil, errors.New("server uses long chunk stream ids")
	}
	s := c.streams[id]
	if s == nil {
		s = &chunkStream{}
		c.streams[id] = s
	}
	if err := c.header(s, format); err != nil {
		return nil, err
	}
	n := min(s.length-len(s.body), c.size)
	if n < 0 {
		return nil, fmt.Errorf("chunk stream %d: message got shorter", id)
	}
	part := make([]byte, n)
	if _, err := io.ReadFull(c.r, part); err != nil {
		return nil, err
	}
	s.body = append(s.body, part...)
	return s, nil
}

// header reads a message header of format 0 to 3 (Adobe RTMP 1.0 §5.3.1.2).
func (c *chunkReader) header(s *chunkStream, format byte) error {
	b := make([]byte, [4]int{11, 7, 3, 0}[format])
	if _, err := io.ReadFull(c.r, b); err != nil {
		return err
	}
	if len(b) >= 3 {
		s.extendedTime = b[0]&b[1]&b[2] == 0xff
	}
	if len(b) >= 7 {
		s.length, s.kind = int(b[3])<<16|int(b[4])<<8|int(b[5]), b[6]
	}
	if s.extendedTime {
		_, err := io.ReadFull(c.r, make([]byte, 4))
		return err
	}
	return nil
}
