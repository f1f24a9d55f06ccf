// Package mediatest helps to test what stands on media: a Recorder, which is a
// media.Writer that keeps what it got and watches over the Writer contract,
// and small synthetic streams whose parameter sets, slice headers and audio
// packets are real.
//
// It starts no goroutine.
package mediatest
