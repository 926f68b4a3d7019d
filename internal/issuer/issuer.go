// Package issuer owns OIDC discovery and JWKS: it reads what a Kubernetes cluster says of its issuer, looks whether the
// public sees the same, judges keys, and chooses between the join types oidc and static_jwks with the reason. It dials no
// Kubernetes or Teleport cluster (it asks the APIServer that it is given), deploys nothing and prints nothing.
package issuer

import (
	"errors"
	"strings"
)

// Kind sorts what can go wrong here by who can mend it.
type Kind string

const (
	// NotEnabled means that the API server serves no issuer discovery (HTTP 404).
	NotEnabled Kind = "not_enabled"
	// Forbidden means that neither the user nor a service account of theirs may read the discovery document (HTTP 403).
	Forbidden Kind = "forbidden"
	// LoginExpired means that the API server refused the user's credentials (HTTP 401).
	LoginExpired Kind = "login_expired"
	// Unreachable means that no API server answered; the cause is wrapped.
	Unreachable Kind = "unreachable"
	// BadAnswer means that an API server answered with something that is no discovery document or no key set.
	BadAnswer Kind = "bad_answer"
	// RotationRisk means that static_jwks is left, the provider rotates its keys, and the risk was not accepted.
	RotationRisk Kind = "rotation_risk"
	// NoKeys means that no usable public key of the cluster is known.
	NoKeys Kind = "no_keys"
	// SigningKeyMissing means that the published keys lack the one that signs service account tokens (field-notes P03).
	SigningKeyMissing Kind = "signing_key_missing"
	// TypeImpossible means that the join type that was asked for cannot work.
	TypeImpossible Kind = "type_impossible"
	// BadJWKS means that a given key set cannot be used.
	BadJWKS Kind = "bad_jwks"
	// BadToken means that a minted token is no JWT.
	BadToken Kind = "bad_token"
	// BadVersion means that the server's version cannot be read.
	BadVersion Kind = "bad_version"
)

// Error says what was wrong and what to do. Texts of other programs stand in it quoted.
type Error struct {
	Kind    Kind
	Problem string
	Fix     string
	Err     error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Problem)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Is reports whether err is an Error of the kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}
