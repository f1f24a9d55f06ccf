package ingest

import (
	"fmt"
	"net/url"
	"strings"
)

const (
	// maxSegment is the greatest length of an app in bytes.
	maxSegment = 128

	// maxKey is the greatest length of a stream key in bytes. A key may be a
	// signed token, of 1 to 2 KiB.
	maxKey = 4 << 10

	// maxQuery is the greatest length of the URL's parameters in bytes; signed
	// tokens have 1 to 2 KiB.
	maxQuery = 4 << 10
)

// parseNames sets the names and the query of a request from the app of the
// connect command and the name of the publish command.
func (r *Request) parseNames(app, name string) error {
	app, appQuery, _ := strings.Cut(app, "?")
	name, nameQuery, _ := strings.Cut(name, "?")
	r.App = strings.TrimSuffix(app, "/") // OBS with rtmp://host/app/ as its server
	r.Key = name

	if err := checkSegment("app", r.App, maxSegment); err != nil {
		return err
	}
	if err := checkSegment("stream key", r.Key, maxKey); err != nil {
		return err
	}
	if len(appQuery)+len(nameQuery) > maxQuery {
		return rejected("the parameters of the URL are longer than %d bytes", maxQuery)
	}
	var err error
	if r.Query, err = url.ParseQuery(appQuery + "&" + nameQuery); err != nil {
		return rejected("the parameters of the URL are malformed")
	}
	return nil
}

// checkSegment refuses what would not be one segment of a URL's path, spelt
// in one way only (RFC 3986 §2.3 unreserved characters).
func checkSegment(what, s string, longest int) error {
	switch {
	case s == "":
		return rejected("the %s is empty; publish to rtmp://host/app/key", what)
	case len(s) > longest:
		return rejected("the %s is longer than %d bytes", what, longest)
	case s == "." || s == "..":
		return rejected("the %s must not be . or ..", what)
	}
	for _, c := range []byte(s) {
		if !unreserved(c) {
			return rejected("the %s may hold letters, digits and - . _ ~ only", what)
		}
	}
	return nil
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

func rejected(format string, args ...any) *Refusal {
	return &Refusal{Rejected, fmt.Sprintf(format, args...)}
}
