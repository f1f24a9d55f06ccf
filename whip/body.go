package whip

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	// maxOffer is ten times the largest offer of a shipping client (6.6 kB).
	maxOffer = 64 << 10
	// maxFragment holds 50 candidates of 300 bytes; a client has a few.
	maxFragment = 16 << 10
	// bodyTimeout bounds how long a body may take: 64 kB at 53 kbit/s.
	bodyTimeout = 10 * time.Second
)

// readBody returns the request's body, which must be of the media type and not
// longer than limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, mediaType string, limit int64) (string, error) {
	// Case-insensitive and with any parameters, even bad ones (RFC 9110 §8.3.1).
	if got, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); got != mediaType {
		return "", refuse(http.StatusUnsupportedMediaType, "the body must be %s", mediaType)
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		w.Header().Set("Accept-Encoding", "identity") // RFC 9110 §15.5.16
		return "", refuse(http.StatusUnsupportedMediaType, "the body must not be encoded")
	}
	tooLarge := refuse(http.StatusRequestEntityTooLarge, "the body must not be longer than %d bytes", limit)
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close") // or net/http reads on
		return "", tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil { // net/http then closes the connection
		var long *http.MaxBytesError
		switch {
		case errors.As(err, &long):
			return "", tooLarge
		case errors.Is(err, os.ErrDeadlineExceeded):
			return "", refuse(http.StatusRequestTimeout, "the body did not arrive within %v", bodyTimeout)
		default:
			return "", refuse(http.StatusBadRequest, "the body could not be read")
		}
	}
	if len(body) == 0 {
		return "", refuse(http.StatusBadRequest, "the body is empty")
	}
	return string(body), nil
}
