// Package player is the web page of Sluice: a list of what is live, and a
// player that is a plain WHEP client.
//
// The page is HTML, CSS and JavaScript modules as they are in pages/ and
// assets/, embedded, with no build step. It knows the server only by HTTP:
//
//	GET  /api/streams              what is live, for the list
//	GET  /api/streams/{app}/{key}  one stream, for the player's facts
//	POST /whip/{app}/{key}         the session of /publish, the page that goes live
//	POST /whep/{app}/{key}         the player's session; its server-sent events
//	POST /doctor/session           test sessions, for the page /doctor
//
// README.md documents the parameters of the player, how to embed it, and the
// <sluice-player> element, which is an iframe with an interface (assets/embed.js
// has the messages).
//
// Pages and modules name each other by relative URLs only, and the server by
// root of assets/api.js: a proxy may serve all of it below a path.
//
// For tests and scripts, document.documentElement.dataset.state is one of
//
//	connecting    the session is being made
//	waiting       connected, no picture yet
//	live          playing
//	offline       nobody publishes; plays by itself as soon as somebody does
//	reconnecting  the connection or the server was lost, it is tried again
//	unsupported   this browser cannot play it
//
// and await window.sluice.stats() returns the figures as a plain object. Its
// audioEnergy counts only what is heard: Chromium leaves it at 0 while muted.
//
// The package starts no goroutine.
package player
