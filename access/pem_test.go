package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// pemOf is how a public key stands in the access file.
func pemOf(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// Tokens of any key in the file are good, with the methods of its kind; a public
// key is never the secret of an HMAC (RFC 8725 §3.1).
func TestPEMKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaPEM := pemOf(t, rsaKey.Public())
	g := gate(t, Rules{JWT: JWT{Keys: []string{pemOf(t, ecKey.Public()), rsaPEM}}})
	for _, c := range []struct {
		name   string
		method jwt.SigningMethod
		key    any
		want   Reason
	}{
		{"RS256", jwt.SigningMethodRS256, rsaKey, ""},
		{"RS512", jwt.SigningMethodRS512, rsaKey, ""},
		{"ES256", jwt.SigningMethodES256, ecKey, ""},
		{"another RSA key", jwt.SigningMethodRS256, foreign, ReasonKey},
		{"PSS, which is not taken", jwt.SigningMethodPS256, rsaKey, ReasonKey},
		{"HMAC with the public key", jwt.SigningMethodHS256, []byte(rsaPEM), ReasonKey},
	} {
		token, err := jwt.NewWithClaims(c.method, jwt.MapClaims{
			"action": "publish", "stream": "live/show", "exp": time.Now().Add(time.Minute).Unix(),
		}).SignedString(c.key)
		if err != nil {
			t.Fatal(err)
		}
		stream, _, err := g.Publish(t.Context(), Publisher{App: "live", Key: token, Address: home})
		if reason(err) != c.want || c.want == "" && stream != "live/show" {
			t.Errorf("%s: %q, %v", c.name, stream, err)
		}
	}
}

func TestPEMThatIsNoKey(t *testing.T) {
	for _, text := range []string{"", "a key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		err := JWT{Keys: []string{text}}.check()
		if err == nil || !strings.Contains(err.Error(), "key 1 is neither an RSA nor an EC public key in PEM") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// With format: json a hook gets one object of strings, signed as a form is.
func TestJSONHook(t *testing.T) {
	var fields map[string]string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &fields); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("called with %s %q, %v", r.Header.Get("Content-Type"), body, err)
		}
		signature := r.Header.Get("Sluice-Signature")
		seconds, _, _ := strings.Cut(strings.TrimPrefix(signature, "t="), ",")
		at, err := time.ParseDuration(seconds + "s")
		if err != nil || signature != sign("hook secret", time.Unix(int64(at.Seconds()), 0), body) {
			t.Errorf("signed %q", signature)
		}
	}))
	defer server.Close()
	g := gate(t, Rules{Hooks: Hooks{OnPlay: server.URL, Format: "json", Secret: "hook secret"}})
	if _, err := g.Watch(t.Context(), Viewer{Stream: "live/show", Token: "abc", Address: home, Agent: "Firefox"}); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{"call": "play", "app": "live", "name": "show", "token": "abc", "addr": "192.0.2.7", "flashver": "Firefox"} {
		if fields[field] != want {
			t.Errorf("%s is %q, want %q", field, fields[field], want)
		}
	}
}
