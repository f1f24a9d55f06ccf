//go:build e2e

package e2e

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
	"github.com/sluice-media/sluice/e2e/viewer"
)

// TestFlood makes $FLOOD bad requests of every kind and a fifth as many sessions
// that never connect, beside one who watches: the server answers each within
// its rules, he misses nothing, and when the sessions have expired memory,
// goroutines and sockets are what they were.
func TestFlood(t *testing.T) {
	t.Parallel() // mostly it waits
	bad, err := strconv.Atoi(cmp.Or(os.Getenv("FLOOD"), "500"))
	if err != nil {
		t.Fatal(err)
	}
	offer, err := os.ReadFile("../whip/testdata/offers/chromium.sdp")
	if err != nil {
		t.Fatal(err)
	}
	const stream = "live/flooded"
	s := server.Start(t)
	source.FFmpeg{Width: 320, Height: 180}.Publish(t, s.Publish(stream))
	s.WaitLive(stream)
	v := viewer.Join(t, s.WHEP(stream))
	v.Playing(60)
	f := &flood{url: s.WHEP(stream), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}, statuses: map[int]int{}}
	kinds := badRequests(string(offer))
	f.run(kinds, len(kinds)) // so that what is made once is there
	f.rest(v)
	before := holdings(s)

	v.Video.Mark()
	start := time.Now()
	f.run(kinds, bad)
	t.Logf("%d bad requests of %d kinds in %v: %v", bad, len(kinds), time.Since(start).Round(time.Millisecond), f.statuses)
	for status := range f.statuses {
		if status < 400 || status >= 500 {
			t.Errorf("%d requests were answered with %d", f.statuses[status], status)
		}
	}
	start, f.statuses = time.Now(), map[int]int{}
	f.run([]badRequest{{http.MethodPost, "", sdpType, string(offer)}}, bad/5)
	if f.statuses[http.StatusCreated] != bad/5 {
		t.Errorf("sessions: %v", f.statuses)
	}
	most := holdings(s)
	t.Logf("%d sessions in %v; then %s", bad/5, time.Since(start).Round(time.Millisecond), most)
	f.rest(v)
	if err := undisturbed(v); err != nil {
		t.Error(err)
	}
	await.Success(t, 2*time.Minute, func() error {
		if n := s.Scrape().Sum("sluice_whep_sessions"); n != 1 {
			return fmt.Errorf("%v sessions are open", n)
		}
		if after := holdings(s); !after.fits(before, most) {
			return fmt.Errorf("%s, before it was %s", after, before)
		}
		return nil
	})
	t.Logf("before: %s; after: %s", before, holdings(s))
	v.Playing(30)
}

const sdpType = "application/sdp"

// badRequest is one that must be answered with 4xx.
type badRequest struct{ method, path, contentType, body string }

// badRequests are of every kind that there is an answer for.
func badRequests(offer string) []badRequest {
	const fragment = "application/trickle-ice-sdpfrag"
	none := "/" + strings.Repeat("A", 26)
	kinds := []badRequest{
		{"POST", "", sdpType, ""},
		{"POST", "", sdpType, "an offer, please"},
		{"POST", "", sdpType, "\x16\xfe\xfd\x00\xff"},
		{"POST", "", sdpType, strings.Repeat("a=x\r\n", 20_000)},
		{"POST", "", "application/json", `{"sdp":"v=0"}`},
		{"POST", "", "", offer},
		{"POST", "?wait=for+ever", sdpType, offer},
		{"POST", "none", sdpType, offer},
		{"POST", "/%2e%2e/x", sdpType, offer},
		{"POST", none + "/events", "application/json", "[]"},
		{"PUT", "", sdpType, offer},
		{"PATCH", "", fragment, "a=end-of-candidates\r\n"},
		{"DELETE", "", "", ""},
		{"BREW", "", "", ""},
		{"GET", none, "", ""},
		{"GET", none + "/events/x", "", ""},
		{"PATCH", none, fragment, "a=end-of-candidates\r\n"},
		{"PATCH", none, fragment, strings.Repeat("a=x\r\n", 20_000)},
		{"DELETE", none, "", ""},
		{"POST", none, sdpType, offer},
	}
	for _, without := range []string{"v=0", "a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=rtcp-mux\r", "a=group:"} {
		kinds = append(kinds, badRequest{"POST", "", sdpType, strings.ReplaceAll(offer, without, "a=x:")})
	}
	for _, change := range [][2]string{
		{"recvonly", "sendonly"},
		{"recvonly", "inactive"},
		{"sha-256", "sha-1"},
		{"actpass", "holdconn"},
		{"UDP/TLS/RTP/SAVPF", "RTP/AVP"},
		{"H264", "H999"},
		{"a=mid:1", "a=mid:0"},
		{"m=audio", "m=video"},
		{"BUNDLE 0 1", "BUNDLE 0 7"},
		{"m=", "m"},
	} {
		kinds = append(kinds, badRequest{"POST", "", sdpType, strings.ReplaceAll(offer, change[0], change[1])})
	}
	return kinds
}

// flood makes requests, eight at a time.
type flood struct {
	url    string
	client *http.Client

	mu       sync.Mutex
	statuses map[int]int // 0: no answer
}

func (f *flood) run(kinds []badRequest, n int) {
	var workers sync.WaitGroup
	work := make(chan badRequest)
	for range 8 {
		workers.Go(func() {
			for r := range work {
				status := f.do(r)
				f.mu.Lock()
				f.statuses[status]++
				f.mu.Unlock()
			}
		})
	}
	for i := range n {
		work <- kinds[i%len(kinds)]
	}
	close(work)
	workers.Wait()
}

func (f *flood) do(r badRequest) (status int) {
	req, err := http.NewRequest(r.method, f.url+r.path, strings.NewReader(r.body))
	if err != nil {
		return 0
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// rest lets connections close and the viewer play on.
func (f *flood) rest(v *viewer.Viewer) {
	f.client.CloseIdleConnections()
	v.Playing(60)
}

// holding is what the server holds.
type holding struct{ goroutines, files, heap float64 }

func holdings(s *server.Server) holding {
	if resp, err := http.Get("http://" + s.Admin + "/debug/pprof/heap?gc=1"); err == nil { // collects
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	n, _ := s.Goroutines()
	m := s.Scrape()
	return holding{float64(n), m.Sum("process_open_fds"), m.Sum("go_memstats_heap_alloc_bytes")}
}

// fits allows for what comes and goes by itself, connections of this test and
// the GOP that is cached, and for the half kilobyte that Go keeps of a goroutine
// that has ended, for the next one.
func (h holding) fits(before, most holding) bool {
	kept := 4<<20 + 512*most.goroutines
	return h.goroutines <= before.goroutines+5 && h.files <= before.files+5 && h.heap <= before.heap+kept
}

func (h holding) String() string {
	return fmt.Sprintf("%v goroutines, %v open files, %.1f MB of heap", h.goroutines, h.files, h.heap/(1<<20))
}
