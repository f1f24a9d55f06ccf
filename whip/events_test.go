package whip

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-media/sluice/egress"
)

const (
	list      = "application/json"
	eventTail = "/events"
)

func ask(path, body string) request {
	return request{http.MethodPost, path, http.Header{"Content-Type": {list}}, body}
}

func TestNews(t *testing.T) {
	none := egress.Status{Viewers: -1}
	off, on := egress.Status{Viewers: 3}, egress.Status{Live: true, Viewers: 3}
	const active, inactive, three = "event: active\ndata: {}\n\n", "event: inactive\ndata: {}\n\n", "event: viewercount\ndata: {\"viewercount\":3}\n\n"
	for _, c := range []struct {
		name      string
		told, now egress.Status
		kinds     []string
		want      string
	}{
		{"A7.61 the first time", none, on, allEvents(), active + three},
		{"A7.61 no initial inactive", none, off, allEvents(), three},
		{"A7.61 it begins", off, on, allEvents(), active},
		{"A7.61 it ends", on, off, allEvents(), inactive},
		{"A7.61 nothing new", on, on, allEvents(), ""},
		{"A7.61 what was asked for", none, on, []string{eventViewerCount}, three},
		{"A7.61 nothing was asked for", none, on, nil, ""},
	} {
		if got := news(c.told, c.now, c.kinds); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestEvents(t *testing.T) {
	s := newSite(t)
	path, joined := s.join(t)
	if got, want := joined.header.Get("Link"), eventsLink(path); got != want || strings.Contains(got, ", ") {
		t.Errorf("A7.60 Link %q, want %q", got, want)
	}
	for _, c := range []struct {
		rule   string
		do     request
		status int
	}{
		{"A7.61 all events", request{method: "POST", path: path + eventTail}, 201},
		{"A7.61 some", ask(path+eventTail, `["active"]`), 201},
		{"A7.61 unknown type", ask(path+eventTail, `["active","weather"]`), 400},
		{"A7.61 no list", ask(path+eventTail, `{}`), 400},
		{"A7.61 wrong type of body", ask(path+eventTail, `[]`).with("Content-Type", "text/plain"), 415},
		{"A7.61 long list", ask(path+eventTail, "["+strings.Repeat(" ", maxEventList)+"]"), 413},
		{"A7.61 GET of the list", request{method: "GET", path: path + eventTail}, 405},
		{"A7.61 no such stream", request{method: "GET", path: path + eventTail + "/x"}, 404},
		{"A7.61 no such session", request{method: "POST", path: endpoint + "/x" + eventTail}, 404},
		{"A2.20 preflight", request{method: "OPTIONS", path: path + eventTail + "/x"}, 200},
		{"A7.61 a third", ask(path+eventTail, `[]`), 201},
		{"A7.61 a fourth", ask(path+eventTail, `[]`), 201},
		{"A7.61 one too many", ask(path+eventTail, `[]`), 429},
	} {
		got := s.do(t, c.do)
		if got.status != c.status {
			t.Errorf("%s: %d, want %d: %s", c.rule, got.status, c.status, got.body)
		}
		if location := got.header.Get("Location"); c.status == 201 && !strings.HasPrefix(location, path+eventTail+"/") {
			t.Errorf("%s: Location %q", c.rule, location)
		}
		checkEvery(t, rule{do: c.do, status: c.status}, got)
	}
}

// lines sends what an event stream says, until it ends.
func (s *site) lines(t *testing.T, path string) <-chan string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("A7.61 GET: %d %v", res.StatusCode, res.Header)
	}
	text := make(chan string, 100)
	go func() {
		defer close(text)
		defer res.Body.Close()
		for r := bufio.NewScanner(res.Body); r.Scan(); {
			text <- r.Text()
		}
	}()
	return text
}

func TestEventsOfASession(t *testing.T) {
	s := newSite(t)
	path, _ := s.join(t)
	v := s.last(t)
	first := s.lines(t, s.do(t, request{method: "POST", path: path + eventTail}).header.Get("Location"))
	location := s.do(t, ask(path+eventTail, `["active","inactive"]`)).header.Get("Location")
	second := s.lines(t, location)
	read := func(from <-chan string, want ...string) {
		t.Helper()
		for _, w := range append(want, "") {
			if got := receive(t, "line", from); got != w {
				t.Errorf("%q, want %q", got, w)
			}
		}
	}
	read(first, "event: viewercount", `data: {"viewercount":0}`)
	v.set(egress.Status{Live: true, Viewers: 1})
	read(first, "event: active", "data: {}")
	read(first, "event: viewercount", `data: {"viewercount":1}`)
	read(second, "event: active", "data: {}")

	again := s.lines(t, location) // takes the place of the second
	read(again, "event: active", "data: {}")
	if line, ok := <-second; ok {
		t.Errorf("%q on a connection that was replaced", line)
	}
	if got := s.do(t, request{method: "DELETE", path: location}); got.status != 200 {
		t.Errorf("A7.61 DELETE: %d", got.status)
	}
	if line, ok := <-again; ok {
		t.Errorf("A7.61 %q after DELETE", line)
	}
	if got := s.do(t, request{method: "GET", path: location}); got.status != 404 {
		t.Errorf("A7.61 GET after DELETE: %d", got.status)
	}
	s.do(t, request{method: "DELETE", path: path})
	if line, ok := <-first; ok {
		t.Errorf("A7.61 %q after the session's end", line)
	}
}

// Events are told a second apart at the least, and a silent connection says
// now and then that it lives.
func TestEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, st := newHandler()
		path := open(t, h)
		// Timeouts for requests are none for what lasts.
		conn := pipeTo(t, &http.Server{Handler: h, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second})
		location := serve(h, request{method: "POST", path: path + eventTail}).Header().Get("Location")
		_, _ = conn.Write([]byte("GET " + location + " HTTP/1.1\r\nHost: x\r\n\r\n"))
		var got strings.Builder
		done := make(chan struct{})
		go func() {
			defer close(done)
			for r := bufio.NewScanner(conn); r.Scan(); {
				got.WriteString(r.Text() + "\n")
			}
		}()
		for n := range 50 { // in five seconds
			st.last(t).set(egress.Status{Viewers: n})
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		_ = h.Close()
		_ = conn.Close()
		<-done
		if n := strings.Count(got.String(), "event: viewercount"); n < 5 || n > 7 {
			t.Errorf("%d events in five seconds:\n%s", n, got.String())
		}
		if n := strings.Count(got.String(), "\n:\n"); n < 3 || n > 5 {
			t.Errorf("%d signs of life in a minute:\n%s", n, got.String())
		}
	})
}
