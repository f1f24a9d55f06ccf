package whip

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// methods are what one kind of URL can do. An error becomes a problem
// document; OPTIONS need not be in it.
type methods map[string]action

func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	do, ok := m[r.Method]
	switch {
	case ok:
		if err := do(w, r); err != nil {
			problemOf(err).write(w)
		}
	case r.Method == http.MethodOptions:
		m.options(w)
	default:
		w.Header().Set("Allow", m.allow()) // RFC 9110 §15.5.6
		refuse(http.StatusMethodNotAllowed, "%.20q is not a method of this resource", r.Method).write(w)
	}
}

// options answers a plain OPTIONS and a CORS preflight alike (FETCH §3.2.2;
// draft-ietf-wish-whep §4.4 asks for 200).
func (m methods) options(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Allow", m.allow())
	header.Set("Access-Control-Allow-Methods", "POST, PATCH, DELETE, OPTIONS, GET, HEAD")
	// Spelt out because * does not cover Authorization.
	header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	header.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusOK)
}

func (m methods) allow() string {
	names := append(slices.Collect(maps.Keys(m)), http.MethodOptions)
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// with sets a header of every response of next.
func with(name, value string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		next.ServeHTTP(w, r)
	})
}

// nothing answers for URLs that lead nowhere.
func nothing() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(http.StatusNotFound, "nothing is at this URL").write(w)
	})
}
