// Package media holds the words every stage of Sluice shares: codecs, access
// units, audio frames and the Writer they travel through.
//
// A frame goes one way, through a chain of Writers, the way bytes go through
// io.Writers; nothing comes back but an error. Times are on the stream's media
// clock: a time.Duration since an arbitrary zero, common to audio and video,
// continuous and 64 bits wide, whatever the publisher's own timestamps do.
//
// The package starts no goroutine, reads no clock and imports nothing but the
// standard library.
package media
