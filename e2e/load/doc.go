// Package load makes an audience that costs little: hundreds of WHEP viewers
// in one process, each with its own socket, real ICE, DTLS-SRTP, consent and
// receiver reports, but without anything that would play.
//
// A viewer's goroutine ends when it is connected. From then on a few readers
// collect the packets of all viewers every few milliseconds; when a packet came
// is the kernel's word (SO_TIMESTAMPNS), not the reader's. Sequence numbers are
// read from every packet; the first packet of each frame is decrypted as well,
// for the stamp that Publish put into it.
//
// It runs on Linux only.
package load
