// Package contribute accepts WebRTC publishers: it answers their offers and
// turns the RTP that they send into access units and audio frames on one media
// clock.
//
// A packet goes through four stages, each pure, with the time as an argument:
// reorder (order, what is missing, what to ask for again), assembler (RTP
// payloads into coded pictures), depacketize.Pictures (pictures into access
// units), clock (RTP time into media time, and by decoding the times of decoding,
// which RTP does not carry). receiver runs them for one track; Publisher owns the
// connection; Server admits and counts.
//
// Goroutines: a Publisher has one that waits for its end, which closes the
// Writer and frees the name, and for each track one that reads RTP and one that
// reads RTCP; all end with its context, and Close waits for them.
package contribute
