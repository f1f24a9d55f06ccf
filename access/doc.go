// Package access decides who may publish, who may watch, and which of two
// publishers keeps a stream's name.
//
// A Gate applies the Rules: keys, signed tokens, watch rules and HTTP hooks. Seats
// hands each name to one publisher at a time.
//
// A Gate owns one goroutine for each call of a hook that nobody waits for, and
// the one that refreshes a key set; Close ends them and waits for the first kind.
package access
