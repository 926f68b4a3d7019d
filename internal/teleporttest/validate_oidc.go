package teleporttest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

const (
	// oidcTimeout bounds discovery and keys together (teleport-facts 3.3).
	oidcTimeout = 15 * time.Second
	// oidcOffset is the verifier's clock offset: a token is refused one second before it expires, and an iat more
	// than one second ahead is in the future. There is no other leeway.
	oidcOffset = time.Second
	// maxOIDCBody bounds a discovery document and a key set.
	maxOIDCBody = 1 << 20
)

// validateOIDC judges a token against the issuer that the join token names (teleport-facts 3.3). Teleport verifies
// with github.com/zitadel/oidc; the order of the checks and the sentences are that library's. Teleport caches the
// document for an hour and keys for a day, which changes no answer but after a change of jwks_uri.
func (c *Cluster) validateOIDC(ctx context.Context, token, issuer string) (*proof, error) {
	ctx, cancel := context.WithTimeout(ctx, oidcTimeout)
	defer cancel()
	claims, err := c.verifyOIDC(ctx, token, issuer)
	if err != nil {
		return nil, trace.Wrap(err, "validating OIDC token")
	}
	kind := types.KubernetesJoinTypeOIDC
	switch {
	case !claims.podBound():
		return nil, errNotPodBound(kind)
	case claims.lifetime() > maxTokenTTL:
		return nil, errTooLongLived(kind)
	}
	return proofOf(kind, claims), nil
}

func (c *Cluster) verifyOIDC(ctx context.Context, token, issuer string) (serviceAccountClaims, error) {
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	err := c.getJSON(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &document)
	if err != nil {
		return serviceAccountClaims{}, errors.Join(errors.New("OpenID Provider Configuration Discovery has failed"), err)
	}
	if document.Issuer != issuer {
		return serviceAccountClaims{}, errors.New("issuer does not match")
	}
	claims, err := c.verifyIDToken(ctx, token, issuer, document.JWKSURI)
	return claims, trace.Wrap(err, "verifying token")
}

func (c *Cluster) verifyIDToken(ctx context.Context, token, issuer, jwksURI string) (serviceAccountClaims, error) {
	var claims serviceAccountClaims
	var extra struct {
		AuthorizedParty string `json:"azp"`
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims, errors.New("parsing of request failed: token contains an invalid number of segments")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims, fmt.Errorf("parsing of request failed: malformed jwt payload: %w", err)
	}
	if err := errors.Join(json.Unmarshal(payload, &claims), json.Unmarshal(payload, &extra)); err != nil {
		return claims, err
	}
	audience := c.opts.ClusterName
	switch {
	case claims.Subject == "":
		return claims, errors.New("subject missing")
	case claims.Issuer != issuer:
		return claims, fmt.Errorf("issuer does not match: Expected: %s, got: %s", issuer, claims.Issuer)
	case !slices.Contains(claims.Audience, audience):
		return claims, fmt.Errorf("audience is not valid: Audience must contain client_id %q", audience)
	case len(claims.Audience) > 1 && extra.AuthorizedParty == "":
		return claims, errors.New("authorized party is not set. If Token is valid for multiple audiences, azp must not be empty")
	case extra.AuthorizedParty != "" && extra.AuthorizedParty != audience:
		return claims, fmt.Errorf("authorized party is not valid: authorized party is not valid: azp %q must be equal to client_id %q",
			extra.AuthorizedParty, audience)
	}
	if err := c.verifyRemoteSignature(ctx, token, payload, jwksURI); err != nil {
		return claims, err
	}
	now := c.opts.Now()
	switch {
	case claims.Expiry == nil || !now.Add(oidcOffset).Before(claims.Expiry.Time()):
		return claims, errors.New("token has expired")
	case claims.IssuedAt == nil:
		return claims, errors.New("issuedAt of token is missing")
	case claims.IssuedAt.Time().After(now.Add(oidcOffset).Round(time.Second)):
		return claims, fmt.Errorf("issuedAt of token is in the future: (iat: %v, now with offset: %v)",
			claims.IssuedAt.Time(), now.Add(oidcOffset).Round(time.Second))
	}
	return claims, nil
}

func (c *Cluster) verifyRemoteSignature(ctx context.Context, token string, payload []byte, jwksURI string) error {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256})
	if err != nil {
		var unexpected *jose.ErrUnexpectedSignatureAlgorithm
		if errors.As(err, &unexpected) || errors.Is(err, jose.ErrUnsupportedAlgorithm) {
			return errors.New("signature algorithm not supported")
		}
		return errors.New("parsing of request failed")
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := c.getJSON(ctx, jwksURI, &set); err != nil {
		return fmt.Errorf("invalid signature (unable to fetch key for signature validation: oidc: failed to get keys: %w)", err)
	}
	header := signed.Signatures[0].Header
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		// Keys of an unknown type are passed over, not an error.
		if key.UnmarshalJSON(raw) != nil || key.KeyID != header.KeyID || (key.Use != "" && key.Use != "sig") {
			continue
		}
		verified, err := signed.Verify(&key)
		switch {
		case err != nil:
			return fmt.Errorf("invalid signature (signature verification failed: %w)", err)
		case !bytes.Equal(verified, payload):
			return errors.New("signature does not match Payload")
		}
		return nil
	}
	return errors.New("invalid signature (unable to validate signature: no possible keys matches)")
}

func (c *Cluster) getJSON(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := c.opts.OIDCClient.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxOIDCBody))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("unable to read response body: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("http status not ok: %s %s", resp.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("failed to unmarshal response: %w %s", err, body)
	}
	return nil
}
