// Package player is the web page of Sluice: a list of what is live, and a
// player that is a plain WHEP client.
//
// The page is HTML, CSS and JavaScript modules as they are in pages/ and
// assets/, embedded, with no build step. It knows the server only by HTTP:
//
//	GET  /api/streams              what is live, for the list
//	GET  /api/streams/{app}/{key}  one stream, for the player's facts
//	POST /whep/{app}/{key}         the player's session
//
// The player takes parameters, mostly for embedding it (the page may be put
// into an iframe; give that allow="autoplay; fullscreen; picture-in-picture"):
//
//	/watch/live/show?muted=0     start with sound where the browser lets it
//	/watch/live/show?controls=0  only the picture, and what must be said
//	/watch/live/show?stats=1     start with the connection's figures shown
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
