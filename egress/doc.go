// Package egress holds the live streams and their WebRTC viewers.
//
// The stream half (hub, publication, gop, h264, clock, info) turns what a
// publisher writes into Frames, once, keeps those since the last IDR and
// delivers each to every Subscriber. The viewer half (viewer, sender, turn,
// send, playback, feedback and below them backlog, pacer, history, twcc,
// extension; track, rtcp, peer, offer, restart) writes a Frame's shared payloads
// under its own RTP headers, and decides what a viewer gets when: live frames, a
// replay, a repetition, or nothing until the next IDR. Both halves know Frame;
// neither knows the other but by Source and Subscriber; server.go joins them.
//
// Goroutines: a Server has a worker for each CPU, which send for all viewers; a
// Viewer has one that waits for its connection and its end, and two that read
// RTCP for it; these end with its context. Close waits for the first, which owns
// the PeerConnection. Deliveries run on the goroutine of whoever writes to the
// Publication and never block.
package egress
