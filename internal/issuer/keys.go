package issuer

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"

	"github.com/go-jose/go-jose/v4"
)

// Keys are public keys that a service account token can be verified with. Those that this package returns are sorted by kid,
// each has a kid of its own, and none has a private part.
type Keys []jose.JSONWebKey

// IDs returns the kids.
func (k Keys) IDs() []string {
	ids := make([]string, len(k))
	for i := range k {
		ids[i] = k[i].KeyID
	}
	return ids
}

// Has reports whether a key of that kid is there.
func (k Keys) Has(kid string) bool {
	return slices.ContainsFunc(k, func(key jose.JSONWebKey) bool { return key.KeyID == kid })
}

// Thumbprints returns the RFC 7638 SHA-256 thumbprints, base64url, in the order of the keys. They name keys for people and
// scripts without the keys themselves.
func Thumbprints(keys Keys) []string {
	prints := make([]string, len(keys))
	for i := range keys {
		prints[i] = thumbprint(keys[i])
	}
	return prints
}

// thumbprint is empty for a key that has none, which no key of Keys is.
func thumbprint(key jose.JSONWebKey) string {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// StaticJWKS writes a key set as a join token takes it (field-notes P03, P05): compact JSON, public parts alone, sorted by kid, the
// same bytes for the same keys. It must hold signingKID, the kid of a really minted token; an empty one is not looked for, and
// the caller has to say that it is unknown. Errors are of kind NoKeys, SigningKeyMissing or BadJWKS.
func StaticJWKS(keys Keys, signingKID string) (string, error) {
	for i := range keys {
		if !keys[i].IsPublic() || keys[i].KeyID == "" {
			return "", &Error{Kind: BadJWKS, Problem: fmt.Sprintf("key %d of the set is not a public key with a kid", i+1)}
		}
	}
	all, err := merge(keys)
	if err != nil {
		return "", &Error{Kind: BadJWKS, Problem: "the keys cannot be put into one set", Err: err}
	}
	if len(all) == 0 {
		return "", &Error{Kind: NoKeys, Problem: "there is no public key to put into the join token"}
	}
	if signingKID != "" && !all.Has(signingKID) {
		return "", &Error{
			Kind:    SigningKeyMissing,
			Problem: fmt.Sprintf("the cluster signs tokens with key %s, which the known keys lack: %s", spec.Quote(signingKID), quoted(all.IDs())),
		}
	}
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, len(all))}
	for i, key := range all {
		set.Keys[i] = jose.JSONWebKey{Key: key.Key, KeyID: key.KeyID, Algorithm: key.Algorithm, Use: "sig"}
	}
	text, err := json.Marshal(set)
	if err != nil {
		return "", &Error{Kind: BadJWKS, Problem: "the keys cannot be written", Err: err}
	}
	return string(text), nil
}

// merge unites key sets and sorts them by kid. Two keys under one kid are refused: which of them a verifier takes is up to it.
func merge(sets ...Keys) (Keys, error) {
	seen := map[string]jose.JSONWebKey{}
	all := Keys{}
	for _, key := range slices.Concat(sets...) {
		first, found := seen[key.KeyID]
		if !found {
			seen[key.KeyID] = key
			all = append(all, key)
			continue
		}
		if thumbprint(first) != thumbprint(key) {
			return nil, fmt.Errorf("two different keys carry the kid %s", spec.Quote(key.KeyID))
		}
	}
	slices.SortFunc(all, func(a, b jose.JSONWebKey) int { return strings.Compare(a.KeyID, b.KeyID) })
	return all, nil
}

// usableKeys reads a key set that a server published. Keys that no verifier could use are left out with a note, as RFC 7517
// section 5 asks; a published private key is an error, because then everybody can sign tokens.
func usableKeys(body []byte) (keys Keys, notes []string, err error) {
	entries, err := readEntries(body)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		switch e.fault {
		case faultNone:
			keys = append(keys, e.key)
		case faultSecret:
			return nil, nil, fmt.Errorf("%s %s: whoever reads it can sign tokens", e.name(), e.why)
		case faultUnfit, faultNameless, faultBroken:
			notes = append(notes, e.name()+" is left out: it "+e.why)
		}
	}
	if keys, err = merge(keys); err != nil {
		return nil, notes, err
	}
	return keys, notes, nil
}

// readEntries splits a key set into its keys and judges each. The error says why the whole is none.
func readEntries(text []byte) ([]entry, error) {
	var set map[string]json.RawMessage
	if err := json.Unmarshal(text, &set); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line, column := position(text, syntax.Offset)
			return nil, fmt.Errorf("line %d, column %d: %s", line, column, spec.Quote(syntax.Error()))
		}
		return nil, errors.New("it is JSON, but not an object")
	}
	list, found := set["keys"]
	if !found {
		return nil, errors.New("it has no member `keys`")
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(list, &raw); err != nil || raw == nil {
		return nil, errors.New("its member `keys` is not a list")
	}
	entries := make([]entry, len(raw))
	for i := range raw {
		entries[i] = judgeKey(raw[i])
		entries[i].number = i + 1
	}
	return entries, nil
}

func quoted(words []string) string {
	if len(words) == 0 {
		return "there are none"
	}
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = spec.Quote(w)
	}
	return strings.Join(all, ", ")
}
