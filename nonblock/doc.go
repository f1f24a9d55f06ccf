// Package nonblock reads and writes pipes and sockets by system calls that never
// wait, and that Go's scheduler is therefore not told of. It is told of all others,
// and its monitor thread gets up at each that comes after an idle moment, to look
// around every 20 µs for milliseconds. A stream brings a frame every few
// milliseconds, and so would never let it sleep.
//
// It owns no goroutine.
package nonblock
