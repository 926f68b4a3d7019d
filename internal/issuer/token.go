package issuer

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Header is what a token says of how and by whom it was signed.
type Header struct {
	KeyID     string
	Algorithm string
	Issuer    string
}

// maxToken is far above any service account token; they have about a kilobyte.
const maxToken = 64 << 10

// TokenHeader reads `kid`, `alg` and `iss` of a JWT (RFC 7519) without verifying it: the token comes from the API server itself,
// and nothing is granted by it. Errors are of kind BadToken and hold no part of the token.
func TokenHeader(token spec.Secret) (Header, error) {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 || len(token.Reveal()) > maxToken {
		return Header{}, &Error{Kind: BadToken, Problem: "the service account token is not a signed JWT of three parts"}
	}
	var header struct {
		KeyID     string `json:"kid"`
		Algorithm string `json:"alg"`
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) {
		return Header{}, &Error{Kind: BadToken, Problem: "a part of the service account token is not base64url of a JSON object"}
	}
	if header.KeyID == "" || claims.Issuer == "" {
		return Header{}, &Error{Kind: BadToken, Problem: "the service account token names no key (`kid`) or no issuer (`iss`)"}
	}
	return Header{KeyID: header.KeyID, Algorithm: header.Algorithm, Issuer: claims.Issuer}, nil
}

// decodePart drops the parser's error, because it could quote the token.
func decodePart(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}
