package issuer

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Claims are what a service account token says of itself; the token is not among them (teleport-facts 3.2). What the token does
// not say is empty.
type Claims struct {
	Header
	// Subject is system:serviceaccount:NAMESPACE:NAME.
	Subject  string
	Audience []string
	// IssuedAt, NotBefore and Expires have whole seconds, UTC.
	IssuedAt, NotBefore, Expires time.Time
	// Pod is the name of the pod that the token is bound to.
	Pod string
}

// Known reports whether a token was read at all.
func (c Claims) Known() bool { return c.Subject != "" || c.Issuer != "" || len(c.Audience) > 0 }

// Lifetime is the time from `iat` to `exp`, zero where the token lacks one of them.
func (c Claims) Lifetime() time.Duration {
	if c.IssuedAt.IsZero() || c.Expires.IsZero() {
		return 0
	}
	return c.Expires.Sub(c.IssuedAt)
}

// TokenClaims reads a service account token without verifying it, as TokenHeader does, and asks for no claim to be there. Errors
// are of kind BadToken and hold no part of the token.
func TokenClaims(token spec.Secret) (Claims, error) {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 || len(token.Reveal()) > maxToken {
		return Claims{}, &Error{Kind: BadToken, Problem: "the service account token is not a signed JWT of three parts"}
	}
	var header struct {
		KeyID     string `json:"kid"`
		Algorithm string `json:"alg"`
	}
	var body struct {
		Issuer     string   `json:"iss"`
		Subject    string   `json:"sub"`
		Audience   audience `json:"aud"`
		IssuedAt   seconds  `json:"iat"`
		NotBefore  seconds  `json:"nbf"`
		Expires    seconds  `json:"exp"`
		Kubernetes struct {
			Pod struct {
				Name string `json:"name"`
			} `json:"pod"`
		} `json:"kubernetes.io"`
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &body) {
		return Claims{}, &Error{Kind: BadToken, Problem: "a part of the service account token is not base64url of a JSON object with the claims of RFC 7519"}
	}
	return Claims{
		Header:  Header{KeyID: header.KeyID, Algorithm: header.Algorithm, Issuer: body.Issuer},
		Subject: body.Subject, Audience: body.Audience, Pod: body.Kubernetes.Pod.Name,
		IssuedAt: body.IssuedAt.time(), NotBefore: body.NotBefore.time(), Expires: body.Expires.time(),
	}, nil
}

// audience is one string or a list of them (RFC 7519 section 4.1.3).
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}

// seconds is a NumericDate: seconds since 1970, possibly with a fraction (RFC 7519 section 2).
type seconds float64

func (s seconds) time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}
