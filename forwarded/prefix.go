package forwarded

import (
	"net/http"
	"path"
	"strings"
)

// Prefix lets a proxy serve next below a path of its own, /live for example:
// what next answers in Location and Link leads back to there. The path is the
// one given, or else what X-Forwarded-Prefix says, which is a trusted proxy's if
// Proxies.Handler stands in front.
//
// A proxy may take the path off the requests that it passes on, or leave it
// there if it is the one given.
func Prefix(given string, next http.Handler) http.Handler {
	given = strings.TrimSuffix(given, "/")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix := given
		if prefix == "" {
			prefix = clean(r.Header.Get("X-Forwarded-Prefix"))
		}
		if prefix == "" {
			next.ServeHTTP(w, r)
			return
		}
		w = &prefixWriter{ResponseWriter: w, prefix: prefix}
		switch {
		case given != "" && r.URL.Path == given:
			http.Redirect(w, r, "/", http.StatusPermanentRedirect)
		case given != "" && strings.HasPrefix(r.URL.Path, given+"/"):
			http.StripPrefix(given, next).ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// clean returns a path without a slash at its end, or "" for what is none.
func clean(prefix string) string {
	if !strings.HasPrefix(prefix, "/") || strings.ContainsAny(prefix, "\\?#<>\"") {
		return ""
	}
	return strings.TrimSuffix(path.Clean(prefix), "/")
}

// prefixWriter puts the prefix in front of the paths in the header.
type prefixWriter struct {
	http.ResponseWriter
	prefix string
	begun  bool
}

// WriteHeader implements http.ResponseWriter.
func (w *prefixWriter) WriteHeader(status int) {
	if !w.begun {
		w.begun = status >= http.StatusOK // 1xx come before the answer
		header := w.Header()
		if location := header.Get("Location"); rooted(location) {
			header.Set("Location", w.prefix+location)
		}
		for i, link := range header["Link"] {
			if target, ok := strings.CutPrefix(link, "<"); ok && rooted(target) {
				header["Link"][i] = "<" + w.prefix + target
			}
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *prefixWriter) Write(b []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap gives http.ResponseController the connection.
func (w *prefixWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// rooted says whether a reference is a path from the root of its host (RFC 3986
// §4.2: with two slashes it names another host).
func rooted(reference string) bool {
	return strings.HasPrefix(reference, "/") && !strings.HasPrefix(reference, "//")
}
