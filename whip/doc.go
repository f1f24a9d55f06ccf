// Package whip is the signalling of Sluice's WebRTC sessions: HTTP on one side,
// viewers (WHEP, draft-ietf-wish-whep) and publishers (WHIP, RFC 9725) on the
// other, with RFC 8840 for trickled candidates. It also lists the live streams
// at /api/streams.
//
// An offer is read and checked here (structure and limits) before egress or
// contribute sees it, which chooses codecs and answers. A session's URL holds
// 130 random bits and is the capability to trickle into and to end the session.
//
// Below it are the session's server-sent events, for a player that wants to know
// whether its stream is live and how many watch it.
//
// The package starts no goroutine of its own while a session lives: a
// session's end runs once, by context.AfterFunc, when its peer has ended, and
// Close waits for the ends of all.
package whip
