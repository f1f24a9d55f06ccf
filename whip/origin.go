package whip

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// origins are those of the pages elsewhere that may play; none: all may.
type origins []string

// let puts what a page may read of the response into its header; without it on
// errors too, a player sees nothing but "Failed to fetch". It reports whether
// the page that asks, if one does, may play.
func (o origins) let(header http.Header, r *http.Request) bool {
	header.Set("Access-Control-Expose-Headers",
		"Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, WWW-Authenticate")
	if len(o) == 0 {
		header.Set("Access-Control-Allow-Origin", "*")
		return true
	}
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true // no page, or one of ours that only reads
	}
	if !slices.Contains(o, strings.ToLower(origin)) && !ours(origin, r) {
		return false
	}
	header.Set("Access-Control-Allow-Origin", origin)
	return true
}

// ours reports whether a page came from where the request goes to. The scheme
// may differ: a proxy took it away.
func ours(origin string, r *http.Request) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" { // "null", of a page without an origin
		return false
	}
	return strings.EqualFold(u.Host, r.Host) || strings.EqualFold(u.Host, r.Header.Get("X-Forwarded-Host"))
}
