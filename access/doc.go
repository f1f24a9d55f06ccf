// Package access decides who may publish, who may watch, and which of two
// publishers keeps a stream's name.
//
// Seats hands each name to one publisher at a time.
//
// The package starts no goroutine.
package access
