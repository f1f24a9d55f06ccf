// Command bench measures what a viewer costs a server: CPU time, memory,
// packets lost, the delay of frames, the time of a join; see docs/performance.md.
//
//	go run ./e2e/bench                                    sluice, plain and floor at 100 and 400 viewers
//	go run ./e2e/bench -servers sluice -viewers 50,1000   one line for each number
//	go run ./e2e/bench -servers sluice -viewers 200 -churn 50
//	go run ./e2e/bench -whep http://HOST:8080/whep/live/x -rtmp HOST:1935/live/x -pid 4711
//
// The servers that it starts by itself:
//
//	sluice  the binary that -sluice names
//	plain   a usual pion server: a TrackLocalStaticRTP for all viewers, a
//	        PeerConnection each with the default interceptors
//	floor   no server: a bare loop that encrypts the same packets with
//	        AES-GCM and sends them with segmentation offload
//
// Each runs as a process of its own, so that its CPU time is the kernel's
// account and not an estimate.
package main
