package whip

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-media/sluice/egress"
)

// outside is a WHEP server seen from outside alone, so that it can be anybody's.
type outside struct {
	*site
	endpoint string // URL of a stream with H.264 and Opus that is live
	missing  string // URL of one that nobody publishes
	sessions map[string]bool
}

func newOutside(endpoint, missing string) *outside {
	client := &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &outside{&site{client: client}, endpoint, missing, map[string]bool{}}
}

// do makes a request and sees to it that the session it makes is ended.
func (o *outside) do(t *testing.T, q request) reply {
	t.Helper()
	r := o.site.do(t, q)
	if at := o.locate(t, r); r.status == http.StatusCreated && at != "" && !o.sessions[at] {
		o.sessions[at] = true
		t.Cleanup(func() { o.remove(at) })
	}
	return r
}

// remove ends a session, which may be gone. It returns the status, 0 for none.
func (o *outside) remove(session string) int {
	req, err := http.NewRequest(http.MethodDelete, session, http.NoBody)
	if err != nil {
		return 0
	}
	res, err := o.client.Do(req)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// locate returns the URL that a response's Location means.
func (o *outside) locate(t *testing.T, r reply) string {
	t.Helper()
	base, err := url.Parse(o.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	at, err := base.Parse(r.header.Get("Location"))
	if err != nil || r.header.Get("Location") == "" {
		return ""
	}
	return at.String()
}

// open makes a session of an offer.
func (o *outside) open(t *testing.T, offer string) (session string, r reply) {
	t.Helper()
	r = o.do(t, post(o.endpoint, offer))
	if r.status != http.StatusCreated || o.locate(t, r) == "" {
		t.Fatalf("no session: %d, Location %q, %s", r.status, r.header.Get("Location"), r.body)
	}
	return o.locate(t, r), r
}

// exchange is a request and what the rule in its name wants of the response.
type exchange struct {
	name   string
	do     request           // its URL "session" means a fresh session's, {tag} in a header its ETag
	status string            // those that obey, x for any digit; "" if the rule is not of it
	header map[string]string // expressions that match; "^$" if there must be none
}

func (e exchange) see(t *testing.T, o *outside) {
	if strings.HasPrefix(e.do.path, "session") {
		at, r := o.open(t, chromium(t))
		e.do.path = at + strings.TrimPrefix(e.do.path, "session")
		for name, values := range e.do.header {
			e.do = e.do.with(name, strings.ReplaceAll(values[0], "{tag}", r.header.Get("ETag")))
		}
	}
	r := o.do(t, e.do)
	if want := "^(" + strings.ReplaceAll(strings.ReplaceAll(e.status, " ", "|"), "x", `\d`) + ")$"; e.status != "" && !regexp.MustCompile(want).MatchString(fmt.Sprint(r.status)) {
		t.Errorf("status %d, want %s: %.200s", r.status, e.status, r.body)
	}
	for name, want := range e.header {
		if got := strings.Join(r.header.Values(name), ", "); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s: %q, want %s", name, got, want)
		}
	}
}

// exchanges are the rules that one request shows, no stricter than the
// documents are.
func (o *outside) exchanges(offer string) []exchange {
	type h = map[string]string
	frag := strings.ReplaceAll(trickled, "TB4u", ufragOf(offer))
	good := post(o.endpoint, offer)
	of := func(contentType string) request { return good.with("Content-Type", contentType) }
	with := func(old, now string) request { return post(o.endpoint, strings.ReplaceAll(offer, old, now)) }
	plain := func(method, at string) request { return request{method: method, path: at, header: http.Header{}} }
	preflight := func(method, at string) request {
		return plain("OPTIONS", at).with("Origin", "https://example.org").with("Access-Control-Request-Method", method).
			with("Access-Control-Request-Headers", "authorization,content-type,if-match")
	}
	elsewhere := func(q request) request { return q.with("Origin", "https://example.org") }
	none, query, _ := strings.Cut(o.endpoint, "?")
	none += "/AAAAAAAAAAAAAAAAAAAAAAAAAA"
	if query != "" {
		none += "?" + query
	}
	return []exchange{
		{"A1.1 a good offer", good, "201", h{"Content-Type": "(?i)^application/sdp", "Location": "."}},
		{"A1.2 the type has no parameters", good, "201", h{"Content-Type": "^application/sdp$"}},
		{"A1.3 Location is absolute, without a query", good, "201", h{"Location": `^(https?:/)?/[^?]+$`}},
		{"A1.5 a strong ETag", good, "201", h{"ETag": `^"[^"]+"$`}},
		{"A1.7 parameters of the type", of("application/sdp; charset=utf-8"), "201", nil},
		{"A1.7 upper-case type", of("Application/SDP"), "201", nil},
		{"A1.7 another type", of("application/json"), "4xx", nil},
		{"A1.7 not SDP", post(o.endpoint, "an offer, please"), "4xx", nil},
		{"A1.8 empty body", post(o.endpoint, noBody), "4xx", nil},
		{"A1.9 binary", post(o.endpoint, "\x16\xfe\xfd\x00\xff"), "4xx", nil},
		{"A1.9 1 MB", post(o.endpoint, offer+strings.Repeat("a=x\r\n", 200_000)), "413", nil},
		{"A1.9 unknown coding", good.with("Content-Encoding", "gzip"), "4xx", nil},
		{"A1.10 Expect", good.with("Expect", "100-continue"), "201", nil},
		{"A1.11 not live", post(o.missing, offer), "404 409", h{"Retry-After": `^\d+$`}},
		{"A1.12 no redirect", post(o.missing, offer), "", h{"Location": "^$"}},
		{"A1.15 a problem document", post(o.endpoint, noBody), "4xx", h{"Content-Type": "^application/problem\\+json"}},
		{"A2.16 GET", plain("GET", o.endpoint), "2xx", h{"Content-Length": "^0?$", "Location": "^$"}},
		{"A2.17 HEAD", plain("HEAD", o.endpoint), "200", h{"Content-Type": "(?i)^application/sdp"}},
		{"A2.18 PUT", plain("PUT", o.endpoint), "405", h{"Allow": "POST"}},
		{"A2.18 PATCH", patch(o.endpoint, frag), "405", h{"Allow": "POST"}},
		{"A2.18 DELETE", plain("DELETE", o.endpoint), "405", h{"Allow": "POST"}},
		{"A2.18 unknown method", plain("BREW", o.endpoint), "405", h{"Allow": "POST"}},
		{"A2.19 OPTIONS", plain("OPTIONS", o.endpoint), "200", h{"Accept-Post": "(?i)application/sdp"}},
		{"A2.20 preflight of the endpoint", preflight("POST", o.endpoint), "2xx", h{
			"Access-Control-Allow-Origin": ".", "Access-Control-Allow-Methods": "POST", "Access-Control-Allow-Headers": "(?i)authorization.*content-type|content-type.*authorization",
		}},
		{"A2.20 preflight of PATCH", preflight("PATCH", "session"), "2xx", h{
			"Access-Control-Allow-Origin": ".", "Access-Control-Allow-Methods": "PATCH", "Access-Control-Allow-Headers": "(?i)if-match",
		}},
		{"A2.20 preflight of DELETE", preflight("DELETE", "session"), "2xx", h{"Access-Control-Allow-Origin": ".", "Access-Control-Allow-Methods": "DELETE"}},
		{"A2.21 pages read Location", elsewhere(good), "201", h{"Access-Control-Allow-Origin": ".", "Access-Control-Expose-Headers": `(?i)location|\*`}},
		{"A2.21 pages read errors", elsewhere(post(o.endpoint, noBody)), "4xx", h{"Access-Control-Allow-Origin": "."}},
		{"A4.29 sendonly", with("a=recvonly", "a=sendonly"), "4xx", nil},
		{"A4.29 inactive", with("a=recvonly", "a=inactive"), "4xx", nil},
		{"A4.30 no rtcp-mux", with("a=rtcp-mux\r\n", ""), "4xx", nil},
		{"A4.32 no fingerprint", with("a=fingerprint:", "a=finger:"), "4xx", nil},
		{"A4.32 sha-1", with("a=fingerprint:sha-256", "a=fingerprint:sha-1"), "4xx", nil},
		{"A4.32 no ufrag", with("a=ice-ufrag:", "a=ice-frag:"), "4xx", nil},
		{"A4.32 no pwd", with("a=ice-pwd:", "a=ice-pw:"), "4xx", nil},
		{"A4.40 no common codec", post(o.endpoint, readmade("firefox-fresh")), "4xx", nil},
		{"A5.43 trickle", patch("session", frag).with("If-Match", "{tag}"), "204", h{"ETag": "^$", "Content-Type": "^$"}},
		{"A5.44 current tag", patch("session", frag).with("If-Match", "{tag}"), "204", nil},
		{"A5.44 any tag", patch("session", frag).with("If-Match", "*"), "204", nil},
		{"A5.44 wrong tag", patch("session", frag).with("If-Match", `"x"`), "412", nil},
		{"A5.44 no tag", patch("session", frag), "204 428", nil},
		{"A5.45 whip-whep's fragment", patch("session", frag).with("If-Match", "{tag}"), "204", nil},
		{"A5.45 simple-whep-client's fragment", patch("session", "a=ice-ufrag:"+ufragOf(offer)+"\r\na=ice-pwd:x\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\na="+hostUDP+"\r\n").with("If-Match", "{tag}"), "204", nil},
		{"A5.45 end-of-candidates alone", patch("session", "a=ice-ufrag:"+ufragOf(offer)+"\r\na=end-of-candidates\r\n").with("If-Match", "{tag}"), "204", nil},
		{"A5.46 wrong type", patch("session", frag).with("Content-Type", "text/plain"), "4xx", nil},
		{"A5.46 malformed", patch("session", "candidates, please"), "4xx", nil},
		{"A5.46 empty", patch("session", noBody), "4xx", nil},
		{"A5.46 1 MB", patch("session", strings.Repeat("a=x\r\n", 200_000)), "413", nil},
		{"A5.48 restart", patch("session", restarting).with("If-Match", "*"), "200", h{"Content-Type": "(?i)^" + typeFragment, "ETag": `^"[^"]+"$`}},
		{"A5.48 restart with a wrong tag", patch("session", restarting).with("If-Match", `"x"`), "412", nil},
		{"A5.51 PATCH of no session", patch(none, frag), "404", nil},
		{"A6.52 DELETE", plain("DELETE", "session"), "200", nil},
		{"A6.52 DELETE with a wrong tag", plain("DELETE", "session").with("If-Match", `"x"`), "200", nil},
		{"A6.56 GET a session", plain("GET", "session"), "2xx", h{"Content-Length": "^0?$"}},
		{"A6.56 HEAD a session", plain("HEAD", "session"), "2xx", nil},
		{"A6.56 POST to a session", post("session", offer), "4xx", nil},
		{"A6.56 PUT to a session", plain("PUT", "session"), "4xx", nil},
		{"A6.57 made-up id", plain("DELETE", none), "404", nil},
	}
}

// readmade returns a client's offer, which is there: readOffers has looked.
func readmade(name string) string {
	text, _ := os.ReadFile("testdata/offers/" + name + ".sdp")
	return string(text)
}

// TestOutside walks those rules of the checklist that can be seen from outside.
// $WHEP_PEER is the URL of another WHEP server's stream, with H.264 and Opus, and
// $WHEP_PEER_MISSING that of one that nobody publishes: they are held to the same.
func TestOutside(t *testing.T) {
	endpoint, missing := os.Getenv("WHEP_PEER"), os.Getenv("WHEP_PEER_MISSING")
	if endpoint == "" {
		s, _ := newLive(t, egress.Config{})
		endpoint, missing = s.url+"/whep/live/cam", s.url+"/whep/live/none"
	}
	o := newOutside(endpoint, missing)
	verdicts := map[string]bool{} // by rule
	see := func(name string, look func(*testing.T, *outside)) {
		passed := t.Run(name, func(t *testing.T) { look(t, o) })
		number := regexp.MustCompile(`\d+$`).FindString(strings.Fields(name)[0])
		before, seen := verdicts[number]
		verdicts[number] = passed && (before || !seen)
	}
	for _, e := range o.exchanges(chromium(t)) {
		see(e.name, e.see)
	}
	for name, look := range outsideSessions() {
		see(name, look)
	}
	for name, look := range outsideMedia() {
		see(name, look)
	}
	broken := o.answers(t)
	for _, rule := range []string{"27", "28", "30", "31", "32", "33", "35", "36", "37", "39", "40"} {
		see("A4."+rule+" in the answers", func(t *testing.T, _ *outside) {
			for fault, clients := range broken[rule] {
				t.Errorf("%s, to %s", fault, strings.Join(clients, ", "))
			}
		})
	}
	var failed []string
	for rule, passed := range verdicts {
		if !passed {
			failed = append(failed, rule)
		}
	}
	slices.SortFunc(failed, func(a, b string) int { return cmp.Or(len(a)-len(b), cmp.Compare(a, b)) })
	t.Logf("%d rules seen, %d broken: %s", len(verdicts), len(failed), strings.Join(failed, ", "))
}

// answers returns what is wrong with the answers to the offers of all clients,
// by rule, and whose offers they were.
func (o *outside) answers(t *testing.T) map[string]map[string][]string {
	broken := map[string]map[string][]string{}
	fault := func(what, client string) {
		rule := regexp.MustCompile(`^A4\.(\d+)`).FindStringSubmatch(what)
		if rule == nil {
			t.Fatal(what)
		}
		if broken[rule[1]] == nil {
			broken[rule[1]] = map[string][]string{}
		}
		broken[rule[1]][what] = append(broken[rule[1]][what], client)
	}
	offers := readOffers(t)
	delete(offers, "firefox-fresh") // has no H.264
	for _, name := range slices.Sorted(maps.Keys(offers)) {
		r := o.do(t, post(o.endpoint, offers[name]))
		if r.status != http.StatusCreated {
			fault(fmt.Sprintf("A4.39 %d", r.status), name)
			continue
		}
		for _, what := range answerFaults(offers[name], r.body, false) {
			fault(what, name)
		}
		if lf := o.do(t, post(o.endpoint, strings.ReplaceAll(offers[name], "\r\n", "\n"))); lf.status != http.StatusCreated {
			fault(fmt.Sprintf("A4.39 LF line ends: %d", lf.status), name)
		}
	}
	return broken
}

// outsideSessions are rules that more than one request shows.
func outsideSessions() map[string]func(*testing.T, *outside) {
	return map[string]func(*testing.T, *outside){
		"A1.4 a session's id cannot be guessed": func(t *testing.T, o *outside) {
			at, _ := o.open(t, chromium(t))
			other, _ := o.open(t, chromium(t))
			id := regexp.MustCompile(`[A-Za-z0-9_-]{20,}$`).FindString(at) // 120 bits
			if id == "" || strings.HasSuffix(other, id) {
				t.Errorf("%s and %s", at, other)
			}
		},
		"A1.10 an answer in half a second": func(t *testing.T, o *outside) {
			best := time.Hour
			for range 3 { // one is held up easily
				start := time.Now()
				if r := o.do(t, post(o.endpoint, chromium(t))); r.status != http.StatusCreated {
					t.Errorf("%d %s", r.status, r.body)
				}
				best = min(best, time.Since(start))
			}
			if best > 500*time.Millisecond {
				t.Errorf("%v", best)
			}
		},
		"A1.14 the same offer at once, ten times": func(t *testing.T, o *outside) {
			var mu sync.Mutex
			var all sync.WaitGroup
			sessions, offer := map[string]bool{}, chromium(t)
			for range 10 {
				all.Go(func() {
					r := o.site.do(t, post(o.endpoint, offer))
					mu.Lock()
					defer mu.Unlock()
					sessions[o.locate(t, r)] = r.status == http.StatusCreated
				})
			}
			all.Wait()
			for at := range sessions {
				o.remove(at)
			}
			if len(sessions) != 10 || sessions[""] {
				t.Errorf("%d sessions", len(sessions))
			}
		},
		"A5.46 the session lives after bad requests": func(t *testing.T, o *outside) {
			at, _ := o.open(t, chromium(t))
			for _, q := range []request{patch(at, "x"), patch(at, noBody), patch(at, chromium(t)).with("Content-Type", typeSDP), post(at, noBody)} {
				o.do(t, q)
			}
			if r := o.do(t, request{method: http.MethodDelete, path: at}); r.status != http.StatusOK {
				t.Errorf("DELETE: %d", r.status)
			}
		},
		"A5.48 restarts have tags and credentials of their own": func(t *testing.T, o *outside) {
			at, joined := o.open(t, chromium(t))
			r := o.do(t, patch(at, restarting).with("If-Match", "*"))
			if r.status != http.StatusOK || r.header.Get("ETag") == joined.header.Get("ETag") || !strings.Contains(r.body, "a=ice-ufrag:") ||
				ufragOf(r.body) == ufragOf(joined.body) {
				t.Errorf("%d, tags %q and %q, %s", r.status, joined.header.Get("ETag"), r.header.Get("ETag"), r.body)
			}
		},
		"A5.50 the last restart counts": func(t *testing.T, o *outside) {
			at, _ := o.open(t, chromium(t))
			first := o.do(t, patch(at, restarting).with("If-Match", "*"))
			second := o.do(t, patch(at, strings.Replace(restarting, "anew", "newer", 1)).with("If-Match", "*"))
			for tag, want := range map[string]int{first.header.Get("ETag"): 412, second.header.Get("ETag"): 204} {
				if r := o.do(t, patch(at, "a=ice-ufrag:newer\r\na=end-of-candidates\r\n").with("If-Match", tag)); r.status != want {
					t.Errorf("tag %s: %d, want %d", tag, r.status, want)
				}
			}
		},
		"A6.54 of ten DELETEs one": func(t *testing.T, o *outside) {
			at, _ := o.open(t, chromium(t))
			statuses := make(chan int, 10)
			for range cap(statuses) {
				go func() { statuses <- o.remove(at) }()
			}
			got := map[int]int{}
			for range cap(statuses) {
				got[<-statuses]++
			}
			if got[200] != 1 || got[404] != 9 {
				t.Errorf("statuses: %v", got)
			}
		},
		"A6.57 an id is of one stream": func(t *testing.T, o *outside) {
			at, _ := o.open(t, chromium(t))
			id := at[strings.LastIndexAny(at, "/=")+1:]
			if r := o.do(t, request{method: http.MethodDelete, path: o.missing + "/" + id}); r.status != http.StatusNotFound {
				t.Errorf("%d", r.status)
			}
		},
		"A9.66 hostile offers": func(t *testing.T, o *outside) {
			lines := strings.SplitAfter(readmade("chromium-audio-only"), "\n")
			for i, line := range lines {
				for _, instead := range []string{"", line + line, line[:len(line)/2] + "\r\n", strings.Repeat(line, 50)} {
					text := strings.Join(lines[:i], "") + instead + strings.Join(lines[i+1:], "")
					r := o.do(t, post(o.endpoint, text))
					if r.status != http.StatusCreated && r.status/100 != 4 {
						t.Errorf("%.60q for %.60q: %d %s", instead, line, r.status, r.body)
					}
				}
			}
			if r := o.do(t, post(o.endpoint, chromium(t))); r.status != http.StatusCreated { // a viewer is still let in
				t.Errorf("%d %s", r.status, r.body)
			}
		},
	}
}
