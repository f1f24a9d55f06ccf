// Package ingest accepts publishers over RTMP.
//
// A Server takes connections from a listener, puts a guard.Conn around each and
// lets go-rtmp run the command session on it. When a client asks to publish,
// the Publisher of the Config says where the stream goes or refuses it; from
// then on each audio and video message goes to a depacketize.Demuxer, whose
// frames pass a meter on their way to that media.Writer.
//
// Each connection has two goroutines, both go-rtmp's: one reads, calls the
// handlers and all Writers down the chain, and closes; one writes replies. Serve
// runs the accept loop in its caller's goroutine and one of go-rtmp's beside it.
// Close ends them all and waits.
package ingest
