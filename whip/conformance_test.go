package whip

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-media/sluice/egress"
)

// rule is one sentence of the checklist that a WHEP server is held to, by its
// number there, and a request that shows it.
type rule struct {
	name   string
	do     request // {s} in the path is a fresh session, {tag} in a header its ETag
	status int
	header map[string]string // exact values; "" means absent
}

const (
	endpoint   = "/whep/live/cam"
	resource   = "{s}"
	noBody     = ""
	problems   = "application/problem+json"
	trickled   = "a=ice-ufrag:TB4u\r\na=ice-pwd:x\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=" + hostUDP + "\r\n"
	restarting = "a=ice-ufrag:anew\r\na=ice-pwd:0123456789012345678901\r\n"
	// corsExpose is what a page's player reads of a 201.
	corsExpose = "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, WWW-Authenticate"
)

func rules(offer string) []rule {
	frag := strings.ReplaceAll(trickled, "TB4u", ufragOf(offer))
	typed := func(t string) request { return post(endpoint, offer).with("Content-Type", t) }
	plain := func(method, path string) request { return request{method: method, path: path} }
	list := [][]rule{
		{
			{"A1.1 A1.2 A1.6 201", post(endpoint, offer), 201, map[string]string{"Content-Type": typeSDP, "Accept-Patch": typeFragment}},
			{"A1.3 Location without the query", post(endpoint+"?token=secret", offer), 201, nil},
			{"A1.7 parameters of the type", typed("application/sdp; charset=utf-8"), 201, nil},
			{"A1.7 broken parameters of the type", typed("application/sdp; charset"), 201, nil},
			{"A1.7 upper-case type", typed("Application/SDP"), 201, nil},
			{"A1.8 as Eyevinn asks for a server's offer", request{http.MethodPost, endpoint, http.Header{}, noBody}, 415, nil},
			{"A1.7 wrong type", typed("application/json"), 415, map[string]string{"Accept-Post": typeSDP, "Content-Type": problems}},
			{"A1.7 no type", request{http.MethodPost, endpoint, http.Header{}, offer}, 415, nil},
			{"A1.7 not SDP", post(endpoint, "an offer, please"), 400, map[string]string{"Content-Type": problems}},
			{"A1.8 empty body", post(endpoint, noBody), 400, nil},
			{"A1.9 binary", post(endpoint, "\x16\xfe\xfd\x00\xff"), 400, nil},
			{"A1.9 largest body", post(endpoint, offer+strings.Repeat("a=x\r\n", (maxOffer-len(offer))/5)), 201, nil},
			{"A1.9 body over the limit", post(endpoint, offer+strings.Repeat("a=x\r\n", (maxOffer-len(offer))/5+1)), 413, nil},
			{"A1.9 unknown coding", post(endpoint, offer).with("Content-Encoding", "gzip"), 415, map[string]string{"Accept-Encoding": "identity"}},
			{"A1.9 no coding", post(endpoint, offer).with("Content-Encoding", "Identity"), 201, nil},
			{"A1.11 unknown stream", post("/whep/live/none", offer), 404, map[string]string{"Retry-After": "2"}},
			{"A1.12 no such path", post("/whep/live", offer), 404, map[string]string{"Location": ""}},
			{"A1.12 no such path", post("/whep/a/b/c/d", offer), 404, nil},
			{"A4.29 sendonly", post(endpoint, strings.ReplaceAll(offer, "a=recvonly", "a=sendonly")), 422, nil},
		},
		{
			{"A2.16 GET makes no session", plain("GET", endpoint), 200, map[string]string{"Content-Length": "0", "Location": ""}},
			{"A2.16 GET of an unknown stream", plain("GET", "/whep/live/none"), 200, nil},
			{"A2.17 HEAD finds the endpoint", plain("HEAD", endpoint), 200, map[string]string{"Content-Type": typeSDP, "Content-Length": "0"}},
			{"A2.18 PUT", plain("PUT", endpoint), 405, map[string]string{"Allow": "GET, HEAD, OPTIONS, POST"}},
			{"A2.18 PATCH", patch(endpoint, frag), 405, map[string]string{"Allow": "GET, HEAD, OPTIONS, POST"}},
			{"A2.18 DELETE", plain("DELETE", endpoint), 405, nil},
			{"A2.18 unknown method", plain("BREW", endpoint), 405, map[string]string{"Allow": "GET, HEAD, OPTIONS, POST"}},
			{"A2.19 OPTIONS", plain("OPTIONS", endpoint), 200, map[string]string{"Accept-Post": typeSDP, "Allow": "GET, HEAD, OPTIONS, POST"}},
			{"A2.20 preflight of the endpoint", plain("OPTIONS", endpoint).with("Access-Control-Request-Method", "POST"), 200, map[string]string{
				"Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS, GET, HEAD",
				"Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match", "Access-Control-Max-Age": "86400",
			}},
			{"A2.20 preflight of a session", plain("OPTIONS", resource).with("Access-Control-Request-Method", "PATCH"), 200, map[string]string{
				"Access-Control-Allow-Methods": "POST, PATCH, DELETE, OPTIONS, GET, HEAD", "Accept-Patch": typeFragment,
			}},
		},
		{
			{"A5.43 trickle", patch(resource, frag), 204, map[string]string{"ETag": "", "Content-Length": "", "Content-Type": ""}},
			{"A5.44 current tag", patch(resource, frag).with("If-Match", "{tag}"), 204, nil},
			{"A5.44 one of several tags", patch(resource, frag).with("If-Match", `"x", {tag}`), 204, nil},
			{"A5.44 any tag", patch(resource, frag).with("If-Match", "*"), 204, nil},
			{"A5.44 any tag, in quotes", patch(resource, frag).with("If-Match", `"*"`), 204, nil},
			{"A5.44 wrong tag", patch(resource, frag).with("If-Match", `"x"`), 412, nil},
			{"A5.44 weak tag", patch(resource, frag).with("If-Match", "W/{tag}"), 412, nil},
			{"A5.45 no ufrag", patch(resource, "a=end-of-candidates\r\n"), 204, nil},
			{"A5.46 wrong type", patch(resource, frag).with("Content-Type", "text/plain"), 415, map[string]string{"Accept-Patch": typeFragment}},
			{"A5.46 an offer", patch(resource, offer).with("Content-Type", typeSDP), 415, nil},
			{"A5.46 upper-case type", patch(resource, frag).with("Content-Type", "Application/Trickle-ICE-SDPfrag; x=y"), 204, nil},
			{"A5.46 malformed", patch(resource, "candidates, please"), 400, nil},
			{"A5.46 malformed with a wrong tag", patch(resource, "x").with("If-Match", `"x"`), 400, nil},
			{"A5.46 empty", patch(resource, noBody), 400, nil},
			{"A5.46 1 MB", patch(resource, strings.Repeat("a=x\r\n", 200_000)), 413, nil},
			{"A5.44 restart without a tag", patch(resource, restarting), 428, nil},
			{"A5.48 restart", patch(resource, restarting).with("If-Match", "*"), 200, map[string]string{"Content-Type": typeFragment, "Cache-Control": "no-store"}},
			{"A5.48 restart, the star in quotes", patch(resource, restarting).with("If-Match", `"*"`), 200, nil},
			{"A5.48 restart with the current tag", patch(resource, restarting).with("If-Match", "{tag}"), 200, nil},
			{"A5.48 restart with a wrong tag", patch(resource, restarting).with("If-Match", `"x"`), 412, nil},
			{"A5.49 restart without a password", patch(resource, "a=ice-ufrag:anew\r\n").with("If-Match", "*"), 400, nil},
			{"A5.49 restart with a short password", patch(resource, "a=ice-ufrag:anew\r\na=ice-pwd:x\r\n").with("If-Match", "*"), 400, nil},
			{"A5.51 unknown session", patch(endpoint+"/x", frag), 404, map[string]string{"Retry-After": ""}},
		},
		{
			{"A6.52 DELETE", plain("DELETE", resource), 200, nil},
			{"A6.52 DELETE with a wrong tag", plain("DELETE", resource).with("If-Match", `"x"`), 200, nil},
			{"A6.56 GET a session", plain("GET", resource), 204, map[string]string{"Content-Type": ""}},
			{"A6.56 HEAD a session", plain("HEAD", resource), 204, nil},
			{"A6.56 GET no session", plain("GET", endpoint+"/x"), 404, nil},
			{"A6.56 POST to a session", post(resource, offer), 405, map[string]string{"Allow": "DELETE, GET, HEAD, OPTIONS, PATCH"}},
			{"A6.56 PUT to a session", plain("PUT", resource), 405, nil},
			{"A6.57 made-up id", plain("DELETE", endpoint+"/AAAAAAAAAAAAAAAAAAAAAAAAAA"), 404, nil},
			{"A6.57 empty id", plain("DELETE", endpoint+"/"), 404, nil},
		},
	}
	var all []rule
	for _, l := range list {
		all = append(all, l...)
	}
	return all
}

func ufragOf(offer string) string {
	return regexp.MustCompile(`(?m)^a=ice-ufrag:(\S+)`).FindStringSubmatch(offer)[1]
}

func TestConformance(t *testing.T) {
	for _, r := range rules(chromium(t)) {
		t.Run(r.name, func(t *testing.T) {
			s := newSite(t)
			if strings.Contains(r.do.path, resource) {
				path, joined := s.join(t)
				r.do.path = strings.ReplaceAll(r.do.path, resource, path)
				for name, values := range r.do.header {
					r.do = r.do.with(name, strings.ReplaceAll(values[0], "{tag}", joined.header.Get("ETag")))
				}
			}
			got := s.do(t, r.do)
			if got.status != r.status {
				t.Errorf("status %d, want %d: %s", got.status, r.status, got.body)
			}
			for name, want := range r.header {
				if v := got.header.Get(name); v != want {
					t.Errorf("%s: %q, want %q", name, v, want)
				}
			}
			checkEvery(t, r, got)
			if n := s.sample(t, "sluice_whep_requests_total", methodLabel(r.do.method), fmt.Sprint(r.status)); n != 1 {
				t.Errorf("%v requests counted, want 1", n)
			}
		})
	}
}

func methodLabel(method string) string {
	if method == "BREW" {
		return "other"
	}
	return method
}

// checkEvery is what every response is held to.
func checkEvery(t *testing.T, r rule, got reply) {
	t.Helper()
	if got.header.Get("Access-Control-Allow-Origin") != "*" || got.header.Get("Access-Control-Expose-Headers") != corsExpose {
		t.Errorf("A2.21 CORS headers: %v", got.header)
	}
	if r.status < 400 || r.do.method == http.MethodHead {
		return
	}
	var p struct {
		Title, Detail, Error string
		Status               int
	}
	if err := json.Unmarshal([]byte(got.body), &p); err != nil || p.Status != r.status ||
		p.Title == "" || p.Detail == "" || p.Error != p.Detail || got.header.Get("Content-Type") != problems {
		t.Errorf("A1.15 not a problem document: %v %s", got.header, got.body)
	}
}

func TestCreated(t *testing.T) {
	s := newSite(t)
	path, first := s.join(t)
	if first.body != fakeAnswer {
		t.Errorf("A1.1 body %q is not the answer", first.body)
	}
	if !regexp.MustCompile(`^/whep/live/cam/[A-Z2-7]{26}$`).MatchString(path) {
		t.Errorf("A1.4 Location %q", path)
	}
	if tag := first.header.Get("ETag"); !regexp.MustCompile(`^"[!#-~]+"$`).MatchString(tag) {
		t.Errorf("A1.5 ETag %q is not a strong one", tag)
	}
	other, second := s.join(t)
	if path == other || first.header.Get("ETag") == second.header.Get("ETag") {
		t.Error("A1.14 the same offer again is not a new session")
	}
	if got := s.sample(t, "sluice_whep_join_seconds", "answered"); got != 2 {
		t.Errorf("%v answers were timed, want 2", got)
	}
	if got := s.sample(t, "sluice_whep_sessions"); got != 2 {
		t.Errorf("%v sessions are open, want 2", got)
	}
}

// What a query holds may be a token: it stays out of Location.
func TestLocation(t *testing.T) {
	s := newSite(t)
	r := s.do(t, post("/whep/live/a%20b%2Fc?token=secret", chromium(t)))
	if got := r.header.Get("Location"); !strings.HasPrefix(got, "/whep/live/a%20b%2Fc/") || strings.Contains(got, "?") {
		t.Errorf("A1.3 Location %q", got)
	}
	if got := s.do(t, request{method: "DELETE", path: r.header.Get("Location")}); got.status != 200 {
		t.Errorf("DELETE: %d", got.status)
	}
}

// What egress returns, and what a client is told.
func TestPlayErrors(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct {
		rule  string
		err   error
		want  int
		retry string
	}{
		{"A1.11 unknown stream", egress.ErrNoStream, 404, "2"},
		{"A1.11 not live", fmt.Errorf("play: %w", egress.ErrNotLive), 409, "2"},
		{"A1.13 load", egress.ErrTooManyViewers, 503, "10"},
		{"A1.13 shutdown", egress.ErrClosed, 503, "10"},
		{"A1.7 malformed", fmt.Errorf("%w: two of it", egress.ErrBadOffer), 400, ""},
		{"A4.40 no codec", fmt.Errorf("%w: no H.264", egress.ErrNoCommonCodec), 422, ""},
		{"any other", errors.New("secret"), 500, ""},
	} {
		s.failWith(c.err)
		got := s.do(t, post(endpoint, chromium(t)))
		if got.status != c.want || got.header.Get("Retry-After") != c.retry {
			t.Errorf("%s: %d, Retry-After %q, want %d, %q", c.rule, got.status, got.header.Get("Retry-After"), c.want, c.retry)
		}
		checkEvery(t, rule{status: c.want}, got)
		if strings.Contains(got.body, "secret") {
			t.Errorf("%s: %s tells too much", c.rule, got.body)
		}
	}
}

func TestTrickle(t *testing.T) {
	s := newSite(t)
	path, _ := s.join(t)
	frag := "a=ice-ufrag:" + ufragOf(chromium(t)) + "\r\na=" + hostUDP + "\r\na=" + srflx6 + "\r\n"
	for _, q := range []request{
		patch(path, frag).with("If-Match", `"x"`),
		patch(path, strings.Replace(frag, "ufrag:", "ufrag:new", 1)),
		patch(path, frag+"x"),
		patch(path, frag+strings.Repeat("a=x\r\n", 200_000)),
		patch(path, frag).with("Content-Type", typeSDP),
	} {
		if got := s.do(t, q); got.status < 400 {
			t.Errorf("refusable PATCH: %d", got.status)
		}
	}
	if got := s.last(t).added(); len(got) != 0 {
		t.Errorf("refused PATCHes added %q", got)
	}
	if got := s.do(t, patch(path, frag)); got.status != 204 || got.body != "" {
		t.Errorf("A5.43 %d %q", got.status, got.body)
	}
	if got := strings.Join(s.last(t).added(), "\n"); got != hostUDP+"\n"+srflx6 {
		t.Errorf("A5.47 candidates added: %q", got)
	}
	if got := s.do(t, request{method: "GET", path: path}); got.status != 204 {
		t.Errorf("A5.49 refused PATCHes ended the session: %d", got.status)
	}
}

// An id is of one stream only.
func TestSessionOfAnotherStream(t *testing.T) {
	s := newSite(t)
	path, _ := s.join(t)
	foreign := strings.Replace(path, "/live/cam/", "/live/other/", 1)
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		q := patch(foreign, "a=end-of-candidates\r\n")
		q.method = method
		if got := s.do(t, q); got.status != 404 {
			t.Errorf("A6.57 %s: %d, want 404", method, got.status)
		}
	}
	if got := s.do(t, request{method: "DELETE", path: path}); got.status != 200 {
		t.Errorf("DELETE: %d, want 200", got.status)
	}
}

// Each restart has its tag; the last one counts.
func TestRestartTags(t *testing.T) {
	s := newSite(t)
	path, joined := s.join(t)
	old := joined.header.Get("ETag")
	first := s.do(t, patch(path, restarting).with("If-Match", "*"))
	second := s.do(t, patch(path, strings.Replace(restarting, "anew", "newer", 1)).with("If-Match", "*"))
	tags := map[string]bool{old: true, first.header.Get("ETag"): true, second.header.Get("ETag"): true}
	if len(tags) != 3 || !strings.Contains(second.body, "a=ice-ufrag:oursnewer\r\n") {
		t.Fatalf("A5.48 tags %v, %q", tags, second.body)
	}
	if strings.Count(second.body, "a=candidate:") != 1 {
		t.Errorf("A5.48 whip-whep takes one candidate: %q", second.body)
	}
	for tag, want := range map[string]int{old: 412, first.header.Get("ETag"): 412, second.header.Get("ETag"): 204} {
		if got := s.do(t, patch(path, "a=ice-ufrag:newer\r\na=end-of-candidates\r\n").with("If-Match", tag)); got.status != want {
			t.Errorf("A5.50 trickle with tag %s: %d, want %d", tag, got.status, want)
		}
	}
}
