package egress

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sluice-media/sluice/rtc"
)

// Viewers who have left leave nothing behind: however many have come and gone,
// the heap and the goroutines are what they were.
func TestViewersReturnAll(t *testing.T) {
	const rounds, visitors = 4, 20
	s := testServer(t, Config{Transport: listen(t, rtc.Config{TCPAddr: "127.0.0.1:0"})})
	publishLive(t, s, "live/a")
	var heap []int
	var goroutines []int
	for round := range rounds {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) { // its end closes the receivers
			for range visitors {
				c := newClient(t)
				v := c.play(t, s, "live/a")
				c.wait(t, "video", func() bool { return len(c.packets[webrtc.RTPCodecTypeVideo]) > 5 })
				if err := v.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
		goroutines = append(goroutines, settled(runtime.NumGoroutine))
		heap = append(heap, settled(liveHeap))
	}
	t.Logf("heap %v bytes, goroutines %v", heap, goroutines)
	if more := goroutines[rounds-1] - goroutines[0]; more > 0 {
		t.Errorf("%d goroutines more after %d viewers more", more, (rounds-1)*visitors)
	}
	// What a viewer has is ten times as much.
	if each := (heap[rounds-1] - heap[0]) / ((rounds - 1) * visitors); each > 16<<10 {
		t.Errorf("each viewer left %d bytes behind", each)
	}
}

// settled returns what a figure falls to: pion's goroutines end a little later
// than its Close.
func settled(figure func() int) int {
	least := figure()
	for range 30 {
		time.Sleep(10 * time.Millisecond)
		least = min(least, figure())
	}
	return least
}

// liveHeap returns the bytes that are in use.
func liveHeap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
