package nut

import (
	"errors"
	"fmt"
	"io"
)

// maxVarlen is the length in bytes of the longest number, so that it fits 64
// bits. The format knows no limit; ffmpeg writes match_time_delta in 10 bytes.
const maxVarlen = 10

// fields reads the basic types of the format ("Type definitions") one after
// another. After an error they are all zero.
type fields struct {
	r   io.ByteReader
	crc uint32 // of all bytes read; 0 after a right checksum
	err error
}

// fail keeps the first error.
func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

// byte reads f(8).
func (f *fields) byte() byte {
	if f.err != nil {
		return 0
	}
	b, err := f.r.ReadByte()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		f.err = err
		return 0
	}
	f.crc = checksum(f.crc, b)
	return b
}

// u reads u(8·n), n ≤ 8.
func (f *fields) u(n int) (x uint64) {
	for range n {
		x = x<<8 | uint64(f.byte())
	}
	return x
}

// v reads a number of variable length: 7 bits in a byte, the high bit in all
// but the last.
func (f *fields) v() (x uint64) {
	for range maxVarlen {
		b := f.byte()
		if x>>(64-7) != 0 {
			break
		}
		x = x<<7 | uint64(b&0x7f)
		if b < 0x80 {
			return x
		}
	}
	f.fail("number longer than 64 bits")
	return 0
}

// limited reads a v that must not be above limit.
func (f *fields) limited(what string, limit uint64) int {
	x := f.v()
	if x > limit {
		f.fail("%s is %d, limit %d", what, x, limit)
		return 0
	}
	return int(x)
}

// s reads a signed number: the v 0, 1, 2, 3, 4 is 0, 1, -1, 2, -2.
func (f *fields) s() int64 {
	x := f.v()
	if x&1 != 0 {
		return int64(x>>1) + 1
	}
	return -int64(x >> 1)
}

// vb reads a byte string.
func (f *fields) vb(what string, limit uint64) []byte {
	n := f.limited("length of "+what, limit)
	if f.err != nil {
		return nil
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = f.byte()
	}
	return b
}

// checksum continues a CRC-32 with generator 0x04C11DB7, most significant bit
// first, starting at 0 ("checksum"). Headers are short and rare, so that it
// needs no table.
func checksum(crc uint32, b byte) uint32 {
	crc ^= uint32(b) << 24
	for range 8 {
		if crc>>31 != 0 {
			crc = crc<<1 ^ 0x04c11db7
		} else {
			crc <<= 1
		}
	}
	return crc
}
