// Package transcode changes codecs through ffmpeg subprocesses: AAC and MP3
// become Opus, and H.264 that browsers do not show becomes H.264 that they do. FLV goes
// in and NUT comes out, one process for each stream and kind that has a viewer.
//
// Times are never left to ffmpeg. What goes in is stamped by a clock that
// counts samples, so that the publisher's jitter cannot reach the resampler;
// what comes out is counted in packets of 20 ms and follows ffmpeg's
// timestamps only where a real hole is. The slow drift between the two clocks
// is passed on as AudioFrame.Skew. Pictures are stamped with their own times,
// which carry requests as well, and get them back.
//
// Goroutines: a Pool owns one, on a thread of its own, that starts every
// process (the kernel kills the children with the thread that made them), and
// two for each process: one waits for its end, one reads what it says on
// stderr. An OpusWriter owns one while its encoder runs: it reads the packets,
// is the only one to write them on, and replaces the process when it dies. A
// VideoWriter owns one like it, and one that writes to the process.
package transcode
