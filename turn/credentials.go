package turn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what the scheme is made of
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v4"
	pion "github.com/pion/turn/v5"

	"github.com/sluice-media/sluice/metrics"
)

// credentialTime is how long new relays can be made with a credential: what a
// viewer needs to join, and to move to another network for a while. The relays
// that he has then live on.
const credentialTime = time.Hour

// Credentials are made of a secret that the one who hands them out shares with
// the TURN server, so that none has to be kept: the user name is when they
// expire, the password its HMAC (draft-uberti-behave-turn-rest-00 §2.2, which
// coturn calls use-auth-secret).
type Credentials struct {
	secret []byte
	now    func() time.Time
}

// NewCredentials returns those of a secret; nil: of a random one.
func NewCredentials(secret []byte) *Credentials {
	if len(secret) == 0 {
		secret = []byte(rand.Text())
	}
	return &Credentials{secret: secret, now: time.Now}
}

// Issue makes a user name and its password. Neither has a comma, a semicolon or
// a quote in it, which clients split Link headers at.
func (c *Credentials) Issue() (user, password string) {
	user = strconv.FormatInt(c.now().Add(credentialTime).Unix(), 10) + ":" + rand.Text()[:8]
	return user, c.password(user)
}

func (c *Credentials) password(user string) string {
	mac := hmac.New(sha1.New, c.secret)
	mac.Write([]byte(user))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// valid says whether new relays can be made with a user name, whose password
// proves that it is ours.
func (c *Credentials) valid(user string) bool {
	expiry, _, _ := strings.Cut(user, ":")
	t, err := strconv.ParseInt(expiry, 10, 64)
	return err == nil && c.now().Unix() < t
}

// authenticator returns how the library checks a request: it wants the key that
// the message's integrity is then checked with.
func (c *Credentials) authenticator(series metrics.TURN) pion.AuthHandler {
	return func(r *pion.RequestAttributes) (string, []byte, bool) {
		if r.Method == stun.MethodAllocate && !c.valid(r.Username) {
			series.Refused(refusedCredential)
			return "", nil, false
		}
		return r.Username, pion.GenerateAuthKey(r.Username, r.Realm, c.password(r.Username)), true
	}
}
