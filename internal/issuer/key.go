package issuer

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"

	"github.com/go-jose/go-jose/v4"
)

// fault sorts what is wrong with one key of a set.
type fault int

const (
	faultNone fault = iota
	// faultUnfit is a sound key for another purpose, or of a type that no verifier here knows.
	faultUnfit
	// faultNameless is a key without a kid, which no token can name.
	faultNameless
	// faultBroken is a key that cannot be read.
	faultBroken
	// faultSecret is a private or symmetric key.
	faultSecret
)

// entry is one key of a set with the verdict on it; why goes on from "it" or the key's name.
type entry struct {
	number int
	kid    string
	key    jose.JSONWebKey
	fault  fault
	why    string
}

// name says which key of the set is meant.
func (e entry) name() string {
	if e.kid == "" {
		return fmt.Sprintf("key %d", e.number)
	}
	return fmt.Sprintf("key %d (kid %s)", e.number, spec.Quote(e.kid))
}

// minRSABits is what crypto/rsa verifies at all.
const minRSABits = 1024

// judgeKey reads one JWK (RFC 7517, RFC 7518). Private members are looked for before the key is parsed, so that no message of
// a parser can hold any.
func judgeKey(raw json.RawMessage) entry {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return entry{fault: faultBroken, why: "is not a JSON object"}
	}
	e := entry{kid: text(members["kid"])}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "priv"} {
		if _, found := members[private]; found {
			return e.with(faultSecret, "holds private parts")
		}
	}
	kty := text(members["kty"])
	if _, found := members["k"]; found || kty == "oct" {
		return e.with(faultSecret, "is a symmetric key")
	}
	var key jose.JSONWebKey
	err := key.UnmarshalJSON(raw)
	switch {
	case errors.Is(err, jose.ErrUnsupportedKeyType):
		return e.with(faultUnfit, "is of type "+spec.Quote(kty)+", which is not supported")
	case err != nil:
		return e.with(faultBroken, "cannot be read: "+spec.Quote(strings.TrimPrefix(err.Error(), "go-jose/go-jose: ")))
	case key.Use != "" && key.Use != "sig":
		return e.with(faultUnfit, "is for use "+spec.Quote(key.Use)+", not for signatures")
	}
	if why := judgePublicKey(key); why != "" {
		return e.with(faultUnfit, why)
	}
	if e.kid == "" {
		return e.with(faultNameless, "has no kid, and tokens name their key by it")
	}
	e.key = jose.JSONWebKey{Key: key.Key, KeyID: e.kid, Algorithm: key.Algorithm, Use: "sig"}
	return e
}

func (e entry) with(f fault, why string) entry {
	e.fault, e.why = f, why
	return e
}

// judgePublicKey holds the algorithm to the type of the key (RFC 7518 section 3.1, RFC 8037).
func judgePublicKey(key jose.JSONWebKey) (why string) {
	var algorithms []jose.SignatureAlgorithm
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < minRSABits {
			return fmt.Sprintf("is an RSA key of %d bits, and less than %d are not verified", bits, minRSABits)
		}
		algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
	case *ecdsa.PublicKey:
		algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512}
	case ed25519.PublicKey:
		algorithms = []jose.SignatureAlgorithm{jose.EdDSA}
	default:
		return "is of a type that is not supported"
	}
	if key.Algorithm != "" && !slices.Contains(algorithms, jose.SignatureAlgorithm(key.Algorithm)) {
		return "is for algorithm " + spec.Quote(key.Algorithm) + ", which signs nothing with such a key"
	}
	return ""
}

// text is a JSON string's value, and empty for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
