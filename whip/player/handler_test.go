package player

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

// get asks for a path as it stands, escapes and all.
func get(t *testing.T, method, target string, header ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func TestRoutes(t *testing.T) {
	const html, js, css = "text/html; charset=utf-8", "text/javascript; charset=utf-8", "text/css; charset=utf-8"
	cases := []struct {
		method, target string
		status         int
		contentType    string
		contains       string
	}{
		{"GET", "/", 200, html, `src="assets/list.js"`},
		{"HEAD", "/", 200, html, ""},
		{"GET", "/?a=b", 200, html, `src="assets/list.js"`},
		{"GET", "/watch/live/show", 200, html, `<video id="video" autoplay muted playsinline>`},
		{"GET", "/watch/live/show?muted=0&controls=0", 200, html, `<video`},
		{"GET", "/watch/live/a%2Fb", 200, html, `<video`},
		{"GET", "/watch/live/%3Cscript%3Ealert(1)%3C%2Fscript%3E", 200, html, `<video`},
		{"GET", "/watch/live/%22%27%00%FF", 200, html, `<video`},
		{"GET", "/assets/watch.js", 200, js, "new Player("},
		{"GET", "/assets/base.css", 200, css, ":root"},
		{"GET", "/assets/icon.svg", 200, "image/svg+xml", "<svg"},

		{"GET", "/sluice-player.js", 200, js, "customElements.define("},
		{"GET", "/publish", 200, html, `<video id="preview" autoplay muted playsinline>`},
		{"GET", "/publish?name=live/x", 200, html, `src="assets/publish.js"`},

		{"GET", "/watch/live", 404, html, "There is nothing here"},
		{"GET", "/watch/live/show/", 404, html, "There is nothing here"},
		{"GET", "/watch/live/show/more", 404, html, `href="./../../../assets/base.css"`},
		{"GET", "/list.html", 404, html, "There is nothing here"},
		{"GET", "/assets/", 404, html, "There is nothing here"},
		{"GET", "/assets/..%2fhandler.go", 404, html, "There is nothing here"},
		{"GET", "/%3Cscript%3E", 404, html, "There is nothing here"},

		{"POST", "/", 405, "", ""},
		{"PUT", "/watch/live/show", 405, "", ""},
		{"DELETE", "/assets/watch.js", 405, "", ""},
	}
	for _, c := range cases {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			response, body := get(t, c.method, c.target)
			if response.StatusCode != c.status {
				t.Fatalf("status %d, want %d", response.StatusCode, c.status)
			}
			if got := response.Header.Get("Content-Type"); c.contentType != "" && got != c.contentType {
				t.Errorf("Content-Type %q, want %q", got, c.contentType)
			}
			if !strings.Contains(body, c.contains) {
				t.Errorf("body does not contain %q", c.contains)
			}
			if strings.Contains(body, "alert(1)") {
				t.Error("the page repeats what stands in its address")
			}
			if got := response.Header.Get("Allow"); c.status == 405 && got != "GET, HEAD" {
				t.Errorf("Allow %q", got)
			}
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	for _, target := range []string{"/", "/watch/live/show", "/assets/watch.js", "/missing"} {
		response, _ := get(t, "GET", target)
		policy := response.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: no %s in %q", target, want, policy)
			}
		}
		for _, never := range []string{"unsafe", "frame-ancestors", "*"} {
			if strings.Contains(policy, never) {
				t.Errorf("%s: %s in %q", target, never, policy)
			}
		}
		want := map[string]string{
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy":        "no-referrer",
			"X-Frame-Options":        "", // the player may be embedded
			"Cache-Control":          "no-cache",
		}
		for name, value := range want {
			if got := response.Header.Get(name); got != value {
				t.Errorf("%s: %s %q, want %q", target, name, got, value)
			}
		}
		if got := response.Header.Get("Permissions-Policy"); !strings.Contains(got, "camera=()") {
			t.Errorf("%s: Permissions-Policy %q", target, got)
		}
	}
}

// Only the page that goes live is lent the camera, and nobody may embed it.
func TestCameraIsLent(t *testing.T) {
	response, _ := get(t, "GET", "/publish")
	if got := response.Header.Get("Permissions-Policy"); !strings.Contains(got, "camera=(self)") {
		t.Errorf("Permissions-Policy %q", got)
	}
	if got := response.Header.Get("Content-Security-Policy"); !strings.HasSuffix(got, "frame-ancestors 'none'") {
		t.Errorf("Content-Security-Policy %q", got)
	}
}

func TestRevalidation(t *testing.T) {
	response, _ := get(t, "GET", "/assets/watch.js")
	etag := response.Header.Get("ETag")
	if !regexp.MustCompile(`^"[0-9a-f]{16}"$`).MatchString(etag) {
		t.Fatalf("ETag %q", etag)
	}
	if response, body := get(t, "GET", "/assets/watch.js", "If-None-Match", etag); response.StatusCode != 304 || body != "" {
		t.Errorf("status %d with %d bytes, want 304 with none", response.StatusCode, len(body))
	}
	if response, _ := get(t, "GET", "/assets/list.js", "If-None-Match", etag); response.StatusCode != 200 {
		t.Errorf("status %d for another file's ETag", response.StatusCode)
	}
}

// TestNothingInline: what the policy would block must not be in the pages.
func TestNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<script(?:[^>]*)></script>|<script|<style|\sstyle=|\son[a-z]+=|javascript:`)
	loaded := regexp.MustCompile(`(?i)^<script[^>]* src="(?:\.\./\.\./)?assets/[a-z]+\.js"></script>$`)
	for _, name := range pages(t) {
		for _, found := range inline.FindAllString(read(t, name), -1) {
			if !loaded.MatchString(found) {
				t.Errorf("%s has %q", name, found)
			}
		}
	}
	markup := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|getUserMedia`)
	for _, name := range assets(t) {
		if found := markup.FindString(read(t, name)); found != "" && (found != "getUserMedia" || name != "assets/capture.js") {
			t.Errorf("%s uses %s", name, found)
		}
	}
}

// TestReferences: every file that a page or module names is served, and every
// id that a module looks for is in a page.
func TestReferences(t *testing.T) {
	names := regexp.MustCompile(`(?:src|href)="[^"]*(assets/[^"]+)"|from '\./([^']+)'`)
	rooted := regexp.MustCompile("(?:src|href)=\"/[^\"]*|(?:fetch|URL|location.assign)\\([`']/[^`']*")
	ids := regexp.MustCompile(`byID\('([^']+)'\)`)
	html := ""
	for _, name := range pages(t) {
		html += read(t, name)
	}
	for _, name := range append(pages(t), assets(t)...) {
		text := read(t, name)
		for _, m := range names.FindAllStringSubmatch(text, -1) {
			target := "/" + m[1]
			if m[2] != "" {
				target = "/assets/" + m[2]
			}
			if response, _ := get(t, "GET", target); response.StatusCode != 200 {
				t.Errorf("%s names %s: status %d", name, target, response.StatusCode)
			}
		}
		for _, m := range ids.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(html, `id="`+m[1]+`"`) {
				t.Errorf("%s looks for #%s, which no page has", name, m[1])
			}
		}
		if found := rooted.FindString(text); found != "" {
			t.Errorf("%s has %s, which leads astray behind a proxy with a path", name, found)
		}
	}
}

// TestPreloads: a page names all modules that its script leads to, so that a
// viewer far away waits for one round trip and not for one per import.
func TestPreloads(t *testing.T) {
	imports := regexp.MustCompile(`from '\./([^']+)'`)
	for page, script := range map[string]string{"pages/list.html": "list.js", "pages/watch.html": "watch.js", "pages/doctor.html": "doctor.js"} {
		html := read(t, page)
		seen := map[string]bool{script: true}
		for queue := []string{script}; len(queue) > 0; queue = queue[1:] {
			for _, m := range imports.FindAllStringSubmatch(read(t, "assets/"+queue[0]), -1) {
				if seen[m[1]] {
					continue
				}
				seen[m[1]] = true
				queue = append(queue, m[1])
				if !strings.Contains(html, `assets/`+m[1]+`">`) {
					t.Errorf("%s does not preload %s", page, m[1])
				}
			}
		}
		if got := strings.Count(html, "modulepreload"); got != len(seen)-1 {
			t.Errorf("%s preloads %d modules, its script leads to %d", page, got, len(seen)-1)
		}
	}
}

// TestContentTypes: nothing is served that a browser would refuse to run.
func TestContentTypes(t *testing.T) {
	for _, name := range assets(t) {
		if got := contentType(name); got == "application/octet-stream" {
			t.Errorf("%s has no content type", name)
		}
	}
	if got := contentType("a.bin"); got != "application/octet-stream" {
		t.Errorf("a.bin is %s", got)
	}
}

func pages(t *testing.T) []string  { return list(t, "pages") }
func assets(t *testing.T) []string { return list(t, "assets") }

func list(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := fs.ReadDir(files, folder)
	if err != nil || len(entries) == 0 {
		t.Fatalf("%s: %d files, %v", folder, len(entries), err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, path.Join(folder, e.Name()))
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	body, err := files.ReadFile(name)
	if err != nil || len(body) == 0 {
		t.Fatalf("%s: %d bytes, %v", name, len(body), err)
	}
	return string(body)
}

// Given origins, only their pages and our own embed the player.
func TestEmbedding(t *testing.T) {
	w := httptest.NewRecorder()
	Handler("https://club.example").ServeHTTP(w, httptest.NewRequest("GET", "/watch/live/show", nil))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasSuffix(policy, "; frame-ancestors 'self' https://club.example") {
		t.Errorf("policy %q", policy)
	}
}
