package player

import (
	"net/http"
	"strings"
)

// contentSecurity lets the page load its own files and talk to its own server,
// and nothing else. Trusted Types turn innerHTML and its like into errors, so that a
// stream's name can never become markup.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// secured puts the security headers on every response of next. Only pages of
// the origins may embed it, all if there are none.
func secured(next http.Handler, origins []string) http.Handler {
	policy := contentSecurity
	if len(origins) > 0 {
		policy += "; frame-ancestors 'self' " + strings.Join(origins, " ")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer") // stream names stay here
		header.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), display-capture=()")
		next.ServeHTTP(w, r)
	})
}

// lent lets a page use camera, microphone and screen, for which no page
// elsewhere may embed it.
func lent(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", contentSecurity+"; frame-ancestors 'none'")
		header.Set("Permissions-Policy", "camera=(self), microphone=(self), geolocation=(), display-capture=(self)")
		next.ServeHTTP(w, r)
	})
}
