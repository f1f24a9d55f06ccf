package forwarded

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestHandler(t *testing.T) {
	proxies := Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, peer string
		fields     []string
		want       string
		kept       bool // X-Forwarded-Proto reaches the handler
	}{
		{"a client that claims to be somebody else", "192.0.2.1:99", []string{"198.51.100.7"}, "192.0.2.1:99", false},
		{"a proxy", "10.0.0.1:99", []string{"198.51.100.7"}, "198.51.100.7:0", true},
		{"a proxy over IPv6", "[fd00::1]:99", []string{"2001:db8::7"}, "[2001:db8::7]:0", true},
		{"a proxy on a dual-stack socket", "[::ffff:10.0.0.1]:99", []string{"198.51.100.7"}, "198.51.100.7:0", true},
		{"a client that claims to be somebody else, behind a proxy", "10.0.0.1:99", []string{"203.0.113.5, 198.51.100.7"}, "198.51.100.7:0", true},
		{"two proxies", "10.0.0.1:99", []string{"198.51.100.7, 10.0.0.2"}, "198.51.100.7:0", true},
		{"two fields", "10.0.0.1:99", []string{"203.0.113.5", "198.51.100.7,10.0.0.2"}, "198.51.100.7:0", true},
		{"with ports", "10.0.0.1:99", []string{"[2001:db8::7]:1234, 10.0.0.2:80"}, "[2001:db8::7]:0", true},
		{"in brackets", "10.0.0.1:99", []string{"[2001:db8::7]"}, "[2001:db8::7]:0", true},
		{"proxies only", "10.0.0.1:99", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0", true},
		{"rubbish", "10.0.0.1:99", []string{"198.51.100.7, unknown"}, "10.0.0.1:99", true},
		{"rubbish before a proxy", "10.0.0.1:99", []string{"unknown, 10.0.0.2"}, "10.0.0.2:0", true},
		{"empty", "10.0.0.1:99", []string{""}, "10.0.0.1:99", true},
		{"none", "10.0.0.1:99", nil, "10.0.0.1:99", true},
		{"a Unix socket", "@", []string{"198.51.100.7"}, "@", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.peer
			for _, f := range c.fields {
				r.Header.Add("X-Forwarded-For", f)
			}
			r.Header.Set("X-Forwarded-Proto", "https")
			r.Header.Set("Forwarded", "for=203.0.113.5")
			var got *http.Request
			proxies.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r })).
				ServeHTTP(httptest.NewRecorder(), r)
			if got.RemoteAddr != c.want {
				t.Errorf("it comes from %s, want %s", got.RemoteAddr, c.want)
			}
			if kept := got.Header.Get("X-Forwarded-Proto") != ""; kept != c.kept {
				t.Errorf("X-Forwarded-Proto kept: %v, want %v", kept, c.kept)
			}
			if got.Header.Get("Forwarded") != "" || r.RemoteAddr != c.peer {
				t.Error("Forwarded was kept, or the request changed in place")
			}
		})
	}
}
