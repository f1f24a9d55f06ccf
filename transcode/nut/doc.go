// Package nut reads the NUT container as ffmpeg writes it to a pipe.
//
// Specification: NUT Open Container Format, version 3 (nut.txt of 2008-03-15
// and its later additions), cited by the names of its sections. Every checksum
// the format holds is verified. What the package leaves out: seeking (back
// pointers, the index), resynchronisation after damage (a pipe loses nothing,
// so damage is an error) and side data in frames (version 4 only, which ffmpeg
// calls experimental).
//
// The package starts no goroutine.
package nut
