//go:build e2e && proxy

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-media/sluice/e2e/await"
	"github.com/sluice-media/sluice/e2e/browser"
	"github.com/sluice-media/sluice/e2e/proc"
	"github.com/sluice-media/sluice/e2e/server"
	"github.com/sluice-media/sluice/e2e/source"
)

// nginx serves Sluice over HTTPS below /tv/, as an operator would write it.
const nginx = `
daemon off; master_process off; pid DIR/pid; error_log stderr;
events {}
http {
  access_log off; client_body_temp_path DIR/a; proxy_temp_path DIR/b; fastcgi_temp_path DIR/c; uwsgi_temp_path DIR/d; scgi_temp_path DIR/e;
  server {
    listen LISTEN ssl http2;
    ssl_certificate CERT; ssl_certificate_key KEY;
    location /tv/ {
      proxy_pass http://SLUICE/;
      proxy_http_version 1.1;
      proxy_buffering off;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Prefix /tv;
    }
    location /left/ { # without taking the path off
      proxy_pass http://SLUICE2;
    }
  }
}`

// TestProxy: behind a real nginx, with the path taken off and left on, the
// list leads to the player, which plays and ends its session.
func TestProxy(t *testing.T) {
	cert, key := selfSigned(t)
	front := server.FreeTCP(t)
	taken := server.Start(t, "--trusted-proxy", "127.0.0.0/8")
	left := server.Start(t, "--public-url", "https://"+front+"/left")
	dir := t.TempDir()
	config := filepath.Join(dir, "nginx.conf")
	text := strings.NewReplacer("DIR", dir, "LISTEN", front, "CERT", cert, "KEY", key, "SLUICE2", left.HTTP, "SLUICE", taken.HTTP).Replace(nginx)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	proc.Start(t, "/usr/sbin/nginx", "-p", dir, "-c", config)
	chromium := browser.StartChromium(t)
	for _, c := range []struct {
		path string
		s    *server.Server
	}{{"/tv/", taken}, {"/left/", left}} {
		t.Run(c.path, func(t *testing.T) {
			publisher := source.FFmpeg{FrameRate: frameRate}.Publish(t, c.s.Publish("live/show"))
			c.s.WaitLive("live/show")
			page := chromium.Open(t, "https://"+front+c.path)
			await.Success(t, 10*time.Second, func() error {
				if n := page.Ask(`document.querySelectorAll("#streams a").length`); n != "1" {
					return fmt.Errorf("%s streams are listed", n)
				}
				return nil
			})
			page = chromium.Open(t, page.Ask(`document.querySelector("#streams a").href`))
			page.WaitState("live", 20*time.Second)
			if at := page.Ask(`location.href`); at != "https://"+front+c.path+"watch/live/show" {
				t.Errorf("the player is at %s", at)
			}
			page.Screenshot("proxy" + strings.ReplaceAll(c.path, "/", "-"))
			publisher.Kill()
			page.WaitState("offline", 10*time.Second) // which the list of streams or its events say
			page.Run(`dispatchEvent(new PageTransitionEvent("pagehide"))`)
			await.Success(t, 5*time.Second, func() error {
				if n := c.s.Scrape().Sum("sluice_whep_sessions"); n != 0 {
					return fmt.Errorf("%v sessions are left: DELETE led astray", n)
				}
				return nil
			})
			for status := 400; status < 500; status++ {
				if n := c.s.Scrape().Sum("sluice_whep_requests_total", server.Label("status", fmt.Sprint(status))); n != 0 {
					t.Errorf("%v requests were answered with %d", n, status)
				}
			}
		})
	}
}
