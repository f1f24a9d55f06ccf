package player

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed pages assets
var files embed.FS

// Handler serves the pages / and /watch/{app}/{key} and their assets. All
// other paths are answered with 404 and a page that says so.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", newFile("pages/list.html"))
	mux.Handle("GET /watch/{app}/{key}", newFile("pages/watch.html"))
	mux.Handle("GET /", missing{newFile("pages/missing.html")})
	assets, _ := fs.Glob(files, "assets/*") // fails on a bad pattern only
	for _, name := range assets {
		mux.Handle("GET /"+name, newFile(name))
	}
	return secured(mux)
}

// file is an embedded file in memory.
type file struct {
	name, contentType, etag string
	body                    []byte
}

func newFile(name string) *file {
	body, _ := files.ReadFile(name) // a test opens every name that is used
	sum := sha256.Sum256(body)
	return &file{name, contentType(name), `"` + hex.EncodeToString(sum[:8]) + `"`, body}
}

// contentType does not ask package mime, which believes the machine's tables.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "application/octet-stream"
	}
}

func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("ETag", f.etag)
	// A new Sluice may have a new page: ask each time, the ETag makes it cheap.
	header.Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.body))
}

// missing is the answer to paths that lead nowhere.
type missing struct{ *file }

func (m missing) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", m.contentType)
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write(m.body) // the client has gone: nobody is left to tell
}
