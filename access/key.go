package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"
)

// hashPrefix begins a written hash.
const hashPrefix = "sha256:"

// NewKey returns a stream key or viewer's token of 130 random bits, and its
// hash for the access file.
//
// One round of SHA-256 is enough, because nobody can try 2^130 keys. The slow
// hashes that passwords need would make each wrong guess cost this machine more
// than the guesser.
func NewKey() (key, hash string) {
	key = rand.Text()
	sum := sha256.Sum256([]byte(key))
	return key, hashPrefix + hex.EncodeToString(sum[:])
}

// Hash is the SHA-256 of a key, written sha256:HEX.
type Hash [sha256.Size]byte

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *Hash) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), hashPrefix)
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil || len(sum) != len(h) { // the text may be a key by mistake: it is not repeated
		return fmt.Errorf("a hash is written %s and 64 hexadecimal digits; sluice key makes one", hashPrefix)
	}
	copy(h[:], sum)
	return nil
}

// of says whether h is the hash of a key, in a time that does not depend on
// either.
func (h *Hash) of(sum [sha256.Size]byte) bool { return subtle.ConstantTimeCompare(h[:], sum[:]) == 1 }
