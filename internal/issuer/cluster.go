package issuer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// keysPath is where every API server with issuer discovery serves its keys, whatever its jwks_uri says (Kubernetes docs,
// "Configure service accounts", service account issuer discovery).
const keysPath = "/openid/v1/jwks"

// Audiences for APIServer.MintToken.
const (
	// NobodysAudience makes a token that no server takes: it is read and forgotten.
	NobodysAudience = "tbotctl.dev/discovery"
	// APIAudience asks for the API server's own audience, with a token of which it can be asked.
	APIAudience = ""
)

// APIServer is what discovery needs of the Kubernetes cluster.
type APIServer interface {
	// Raw GETs a path with the user's credentials. status is the HTTP status where the server answered (also 401, 403 and 404),
	// err is set only where none came.
	Raw(ctx context.Context, path string) (status int, body []byte, err error)
	// RawAs is Raw with a bearer token instead of the user's credentials.
	RawAs(ctx context.Context, token spec.Secret, path string) (status int, body []byte, err error)
	// MintToken makes a short-lived token of a service account that the user may use. Audience is NobodysAudience or APIAudience.
	MintToken(ctx context.Context, audience string) (spec.Secret, error)
}

// Where an issuer was learned from, for Cluster.From.
const (
	fromServer         = "the API server"
	fromServiceAccount = "the API server, read as a service account"
	fromClaim          = "the `iss` of a minted token"
)

// Cluster is what a Kubernetes cluster says of its issuer. What could not be looked up stays empty, with the error beside it.
type Cluster struct {
	// Issuer is byte for byte what tokens carry as `iss`.
	Issuer string
	// JWKSURI is where the cluster says that its keys are; on a self-managed cluster an address of its own network.
	JWKSURI string
	// Keys are what the API server itself publishes. On EKS they may lack the key that signs (field-notes P03).
	Keys Keys
	// SigningKeyID and SigningAlg are of a really minted token; empty where none could be had, see MintErr.
	SigningKeyID string
	SigningAlg   string
	// From says where the issuer was learned from.
	From string
	// Notes are findings for people, one sentence each.
	Notes []string
	// MintErr says why no token could be minted, KeysErr why the keys could not be read.
	MintErr error
	KeysErr error
}

// ReadCluster asks the API server for its issuer, its keys and, through a minted token, for the key that signs. The keys are read
// twice, before and after the token was minted, and united: the servers of one control plane may differ while a rotation rolls.
//
// The error is an *Error of kind NotEnabled, Forbidden, LoginExpired, Unreachable or BadAnswer, or the context's. Cluster then
// still holds what was found: without a discovery document, the `iss` of a token may name the issuer.
func ReadCluster(ctx context.Context, api APIServer) (Cluster, error) {
	r := &reader{api: api}
	c := Cluster{}
	d, from, documentErr := r.document(ctx)
	if Is(documentErr, LoginExpired) || Is(documentErr, Unreachable) {
		return c, documentErr
	}
	if documentErr == nil {
		c.Issuer, c.JWKSURI, c.From = d.Issuer, d.JWKSURI, from
	}
	before := r.keys(ctx)
	header, err := mintHeader(ctx, api)
	if err != nil {
		c.MintErr = err
	} else {
		c.learn(header)
	}
	c.unite(before, r.keys(ctx))
	if err := ctx.Err(); err != nil {
		return c, fmt.Errorf("asking the API server for its issuer: %w", err)
	}
	if Is(documentErr, Forbidden) && c.Issuer != "" {
		c.Notes = append(c.Notes, "the API server's discovery document may not be read with these rights")
		return c, nil
	}
	return c, documentErr
}

// learn takes over what a token says. Where it names another issuer than the document does, the token is right: its `iss` is
// what Teleport compares (teleport-facts 3.3).
func (c *Cluster) learn(h Header) {
	c.SigningKeyID, c.SigningAlg = h.KeyID, h.Algorithm
	if c.Issuer == h.Issuer {
		return
	}
	if c.Issuer != "" {
		c.Notes = append(c.Notes, fmt.Sprintf("the API server's document names the issuer %s, its tokens %s; the tokens' counts", spec.Quote(c.Issuer), spec.Quote(h.Issuer)))
	}
	c.Issuer, c.From = h.Issuer, fromClaim
}

// unite puts two reads of the keys together. One that failed is a note where the other did not.
func (c *Cluster) unite(before, after keysRead) {
	keys, err := merge(before.keys, after.keys)
	failed := errors.Join(before.err, after.err)
	switch {
	case err != nil:
		c.KeysErr = &Error{Kind: BadAnswer, Problem: "the API server's keys cannot be used", Err: err}
	case before.err != nil && after.err != nil:
		c.KeysErr = before.err
	case len(keys) == 0:
		c.KeysErr = &Error{Kind: NoKeys, Problem: "the API server publishes no usable key"}
	case failed != nil:
		c.Notes = append(c.Notes, "one of two reads of the API server's keys failed: "+failed.Error())
	case len(keys) > len(before.keys) || len(keys) > len(after.keys):
		c.Notes = append(c.Notes, "two reads of the API server's keys differed: a rotation may be under way")
	}
	c.Keys = keys
	for _, note := range append(before.notes, after.notes...) {
		if !slices.Contains(c.Notes, note) {
			c.Notes = append(c.Notes, note)
		}
	}
}

// reader reads paths of the API server, and falls back to a service account's right where the user has none. It mints the token
// for that once, on the first refusal.
type reader struct {
	api     APIServer
	minted  bool
	token   spec.Secret
	mintErr error
}

// keysRead is one read of the keys.
type keysRead struct {
	keys  Keys
	notes []string
	err   error
}

func (r *reader) document(ctx context.Context) (d document, from string, err error) {
	body, from, err := r.get(ctx, discoveryPath)
	if err != nil {
		return document{}, "", err
	}
	d, fault := decodeDocument(body)
	if fault != nil {
		return document{}, "", &Error{Kind: BadAnswer, Problem: "the API server's discovery document cannot be used: " + fault.detail, Err: fault.err}
	}
	return d, from, nil
}

func (r *reader) keys(ctx context.Context) keysRead {
	body, _, err := r.get(ctx, keysPath)
	if err != nil {
		return keysRead{err: err}
	}
	keys, notes, err := usableKeys(body)
	if err != nil {
		err = &Error{Kind: BadAnswer, Problem: "the API server's keys cannot be used", Err: err}
	}
	return keysRead{keys: keys, notes: notes, err: err}
}

// get reads a path as the user and, where that is forbidden, as a service account: all of them are in the group that the
// ClusterRole system:service-account-issuer-discovery is bound to (field-notes 7).
func (r *reader) get(ctx context.Context, path string) (body []byte, from string, err error) {
	status, body, err := r.api.Raw(ctx, path)
	if err != nil || status != http.StatusForbidden {
		return body, fromServer, judgeStatus(path, status, err)
	}
	if !r.minted {
		r.minted = true
		r.token, r.mintErr = r.api.MintToken(ctx, APIAudience)
	}
	if r.mintErr != nil {
		return nil, "", forbidden(path, fmt.Errorf("nor can a service account's token be had to read it with: %w", r.mintErr))
	}
	status, body, err = r.api.RawAs(ctx, r.token, path)
	if err == nil && (status == http.StatusForbidden || status == http.StatusUnauthorized) {
		return nil, "", forbidden(path, fmt.Errorf("nor may the service account (HTTP %d)", status))
	}
	return body, fromServiceAccount, judgeStatus(path, status, err)
}

func forbidden(path string, err error) error {
	return &Error{
		Kind: Forbidden, Problem: "you may not read " + path + " of the API server", Err: err,
		Fix: "ask for the ClusterRole system:service-account-issuer-discovery, which allows get on the nonResourceURLs " + discoveryPath + " and " + keysPath,
	}
}

func judgeStatus(path string, status int, err error) error {
	switch {
	case err != nil:
		return &Error{Kind: Unreachable, Problem: "reading " + path + " of the API server", Err: err}
	case status == http.StatusOK:
		return nil
	case status == http.StatusUnauthorized:
		return &Error{Kind: LoginExpired, Problem: "the API server refuses these credentials (HTTP 401)", Fix: "log in to the cluster again; any kubectl command must work first"}
	case status == http.StatusNotFound:
		return &Error{Kind: NotEnabled, Problem: "the API server has no " + path + " (HTTP 404): it publishes no issuer", Fix: "it does where --service-account-issuer is an https URL"}
	}
	return &Error{Kind: BadAnswer, Problem: fmt.Sprintf("the API server answered %s with HTTP %d", path, status)}
}

// mintHeader mints a token for its header alone and forgets it.
func mintHeader(ctx context.Context, api APIServer) (Header, error) {
	token, err := api.MintToken(ctx, NobodysAudience)
	if err != nil {
		return Header{}, fmt.Errorf("minting a service account token: %w", err)
	}
	return TokenHeader(token)
}
