// Package egress holds the live streams and their WebRTC viewers.
//
// The stream half (hub, publication, h264 payloader, clock) turns what a
// publisher writes into Frames, once, and delivers each to every Subscriber.
// The viewer half (viewer, track, rtcp, peer, offer, answer, udp) writes a
// Frame's shared payloads under its own RTP headers. Both know Frame; neither
// knows the other; server.go joins them.
//
// Goroutines: a Viewer has one that sends and two that read RTCP; all end with
// its context and Close waits for the first, which owns the PeerConnection.
// Deliveries run on the goroutine of whoever writes to the Publication and
// never block.
package egress
