package forwarded

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestPrefix(t *testing.T) {
	for _, c := range []struct {
		name, given, header, path string
		seen                      string // by the handler; "": it is not asked
		location                  string
	}{
		{"none", "", "", "/whep/a/b", "/whep/a/b", "/whep/a/b"},
		{"of the header", "", "/tv", "/whep/a/b", "/whep/a/b", "/tv/whep/a/b"},
		{"with a slash", "", "/tv/", "/whep/a/b", "/whep/a/b", "/tv/whep/a/b"},
		{"only a slash", "", "/", "/whep/a/b", "/whep/a/b", "/whep/a/b"},
		{"another host", "", "//evil.example", "/whep/a/b", "/whep/a/b", "/evil.example/whep/a/b"},
		{"an address", "", "https://evil.example", "/whep/a/b", "/whep/a/b", "/whep/a/b"},
		{"markup", "", "/<script>", "/whep/a/b", "/whep/a/b", "/whep/a/b"},
		{"given, and taken off", "/tv", "", "/whep/a/b", "/whep/a/b", "/tv/whep/a/b"},
		{"given, and left there", "/tv", "", "/tv/whep/a%2Fb", "/whep/a%2Fb", "/tv/whep/a%2Fb"},
		{"given beats the header", "/tv", "/radio", "/tv/whep/a/b", "/whep/a/b", "/tv/whep/a/b"},
		{"nothing behind it", "/tv", "", "/tv", "", "/tv/"},
		{"the begin of another name", "/tv", "", "/tvs/a", "/tvs/a", "/tv/tvs/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := ""
			h := Prefix(c.given, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = r.URL.EscapedPath()
				w.Header().Set("Location", seen)
				w.Header().Add("Link", "<"+seen+"/sse>; rel=x")
				w.Header().Add("Link", "<turn:h>; rel=ice-server")
				w.WriteHeader(http.StatusCreated)
			}))
			r := httptest.NewRequest(http.MethodPost, c.path, nil)
			if c.header != "" {
				r.Header.Set("X-Forwarded-Prefix", c.header)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			header := w.Result().Header
			if seen != c.seen || header.Get("Location") != c.location {
				t.Errorf("the handler sees %q, the client is led to %q; want %q and %q", seen, header.Get("Location"), c.seen, c.location)
			}
			if links := header.Values("Link"); c.seen != "" && (links[0] != "<"+c.location+"/sse>; rel=x" || links[1] != "<turn:h>; rel=ice-server") {
				t.Errorf("links %q", links)
			}
		})
	}
}

// A handler that only writes is answered for as well, and can flush.
func TestPrefixPassesOn(t *testing.T) {
	h := Prefix("/tv", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		_, _ = w.Write([]byte("body"))
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/tv/a", nil))
	if got := w.Result().Header.Get("Location"); got != "/tv/elsewhere" || w.Body.String() != "body" || !w.Flushed {
		t.Errorf("Location %q, body %q, flushed %v", got, w.Body, w.Flushed)
	}
}
