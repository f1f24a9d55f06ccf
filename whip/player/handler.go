package player

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed pages assets sluice-player.js
var files embed.FS

// Handler serves the pages /, /watch/{app}/{key}, /publish and /doctor, their assets, and
// /sluice-player.js for pages elsewhere. All other paths are answered with 404
// and a page that says so. Everything is named by relative URLs, so that a proxy
// may put all of it below a path of its own. Pages of the origins may embed the
// player; all may if there are none.
func Handler(origins ...string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", newFile("pages/list.html"))
	mux.Handle("GET /watch/{app}/{key}", newFile("pages/watch.html"))
	mux.Handle("GET /doctor", newFile("pages/doctor.html"))
	mux.Handle("GET /publish", lent(newFile("pages/publish.html")))
	mux.Handle("GET /sluice-player.js", anywhere(newFile("sluice-player.js")))
	mux.Handle("GET /", missing{newFile("pages/missing.html")})
	assets, _ := fs.Glob(files, "assets/*") // fails on a bad pattern only
	for _, name := range assets {
		mux.Handle("GET /"+name, newFile(name))
	}
	return secured(mux, origins)
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

// anywhere lets pages of every origin load a module.
func anywhere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		next.ServeHTTP(w, r)
	})
}

// missing is the answer to paths that lead nowhere, however deep.
type missing struct{ *file }

func (m missing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	root := "./" + strings.Repeat("../", strings.Count(r.URL.EscapedPath(), "/")-1)
	w.Header().Set("Content-Type", m.contentType)
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write(bytes.ReplaceAll(m.body, []byte("{root}"), []byte(root))) // the client has gone: nobody is left to tell
}
