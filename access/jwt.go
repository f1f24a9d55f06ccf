package access

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

// JWT says which signed tokens are good. Their claims: exp, required; action,
// "publish" or "play"; stream, a name or, in tokens that are not the stream key
// itself, a pattern (path.Match).
type JWT struct {
	Secret   string   `yaml:"secret"`   // of HS256, HS384 and HS512, 32 bytes at least
	Keys     []string `yaml:"keys"`     // public keys in PEM, of RS* and ES*
	JWKS     string   `yaml:"jwks"`     // URL of a key set, refreshed hourly and when a token names another key
	Issuer   string   `yaml:"issuer"`   // iss, if given
	Audience string   `yaml:"audience"` // aud, if given
}

// minSecret is the least length of an HMAC key in bytes (RFC 7518 §3.2).
const minSecret = 32

func (j JWT) on() bool { return j.Secret != "" || len(j.Keys) > 0 || j.JWKS != "" }

func (j JWT) check() error {
	if j.Secret != "" && len(j.Secret) < minSecret {
		return fmt.Errorf("jwt: the secret must have %d bytes at least (RFC 7518 §3.2)", minSecret)
	}
	_, err := j.publicKeys()
	return err
}

func (j JWT) publicKeys() ([]crypto.PublicKey, error) {
	var keys []crypto.PublicKey
	for i, pem := range j.Keys {
		if key, err := jwt.ParseRSAPublicKeyFromPEM([]byte(pem)); err == nil {
			keys = append(keys, key)
		} else if key, err := jwt.ParseECPublicKeyFromPEM([]byte(pem)); err == nil {
			keys = append(keys, key)
		} else {
			return nil, fmt.Errorf("jwt: key %d is neither an RSA nor an EC public key in PEM", i+1)
		}
	}
	return keys, nil
}

// claims are those of a token.
type claims struct {
	jwt.RegisteredClaims
	Action string `json:"action"`
	Stream string `json:"stream"`
}

// allows says whether the token lets its holder do an action with a stream.
func (c *claims) allows(action, stream string) bool {
	ok, err := path.Match(c.Stream, stream)
	return c.Action == action && ok && err == nil
}

// verifier checks tokens against a JWT.
type verifier struct {
	symmetric, asymmetric *jwt.Parser
	secret                []byte
	keys                  []crypto.PublicKey
	set                   keyfunc.Keyfunc // nil: no JWKS
}

// jwksPatience bounds one request for a key set, and how long a token waits for
// the next one that is allowed: one a minute.
const jwksPatience = 5 * time.Second

func newVerifier(ctx context.Context, j JWT) (*verifier, error) {
	options := []jwt.ParserOption{jwt.WithExpirationRequired(), jwt.WithLeeway(5 * time.Second)}
	if j.Issuer != "" {
		options = append(options, jwt.WithIssuer(j.Issuer))
	}
	if j.Audience != "" {
		options = append(options, jwt.WithAudience(j.Audience))
	}
	// Each kind of key has a parser of its own methods: a public key must never
	// serve as an HMAC secret (RFC 8725 §3.1).
	parser := func(methods ...string) *jwt.Parser {
		return jwt.NewParser(append(slices.Clone(options), jwt.WithValidMethods(methods))...)
	}
	v := &verifier{
		symmetric:  parser("HS256", "HS384", "HS512"),
		asymmetric: parser("RS256", "RS384", "RS512", "ES256", "ES384", "ES512"),
		secret:     []byte(j.Secret),
	}
	var err error
	if v.keys, err = j.publicKeys(); err != nil || j.JWKS == "" {
		return v, err
	}
	v.set, err = keyfunc.NewDefaultOverrideCtx(ctx, []string{j.JWKS}, keyfunc.Override{
		HTTPTimeout:             jwksPatience,
		RateLimitWaitMax:        jwksPatience,
		RefreshUnknownKID:       rate.NewLimiter(rate.Every(time.Minute), 1),
		RefreshErrorHandlerFunc: func(string) func(context.Context, error) { return func(context.Context, error) {} },
	})
	return v, err
}

// verify returns the claims of a good token.
func (v *verifier) verify(ctx context.Context, token string) (*claims, error) {
	var c claims
	err := errors.New("no key fits the token")
	if len(v.secret) > 0 {
		if _, err = v.symmetric.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return v.secret, nil }); err == nil {
			return &c, nil
		}
	}
	for _, key := range v.keys {
		c = claims{}
		if _, err = v.asymmetric.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return key, nil }); err == nil {
			return &c, nil
		}
	}
	if v.set != nil {
		c = claims{}
		if _, err = v.asymmetric.ParseWithClaims(token, &c, v.set.KeyfuncCtx(ctx)); err == nil {
			return &c, nil
		}
	}
	return nil, err
}
