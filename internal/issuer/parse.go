package issuer

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ParseJWKS judges a key set that a person pasted or keeps in a file. It is strict where Teleport would fail only at the join
// (field-notes P05: the Auth Service takes any text when the token is made). Keys that are sound but not for signatures are left
// out with a note. The error is an *Error of kind BadJWKS that says what is wrong where; it never shows the text itself, which
// may hold a private key.
func ParseJWKS(jwks string) (keys Keys, notes []string, err error) {
	clean := strings.TrimSpace(strings.TrimPrefix(jwks, "\ufeff"))
	if problem, fix := judgeText(clean); problem != "" {
		return nil, nil, &Error{Kind: BadJWKS, Problem: problem, Fix: fix}
	}
	// Positions are those of the text as given, less a byte order mark.
	entries, err := readEntries([]byte(strings.TrimPrefix(jwks, "\ufeff")))
	if err != nil {
		return nil, nil, &Error{Kind: BadJWKS, Problem: "the JWKS cannot be used", Err: err, Fix: howToGet}
	}
	for _, e := range entries {
		switch e.fault {
		case faultNone:
			keys = append(keys, e.key)
		case faultUnfit:
			notes = append(notes, e.name()+" is left out: it "+e.why)
		case faultSecret:
			return nil, nil, &Error{Kind: BadJWKS, Problem: "the JWKS cannot be used: " + e.name() + " " + e.why, Fix: "give public keys alone, and treat this one as leaked if the file was shared"}
		case faultNameless, faultBroken:
			return nil, nil, &Error{Kind: BadJWKS, Problem: "the JWKS cannot be used: " + e.name() + " " + e.why, Fix: howToGet}
		}
	}
	if keys, err = merge(keys); err != nil {
		return nil, nil, &Error{Kind: BadJWKS, Problem: "the JWKS cannot be used", Err: err, Fix: howToGet}
	}
	if len(keys) == 0 {
		problem := "the JWKS holds no key that a token could be verified with"
		if len(notes) > 0 {
			problem += ": " + strings.Join(notes, "; ")
		}
		return nil, nil, &Error{Kind: BadJWKS, Problem: problem, Fix: howToGet}
	}
	return keys, notes, nil
}

const howToGet = "write it with: kubectl get --raw " + keysPath + " >jwks.json"

// judgeText recognizes what is commonly pasted in place of a key set, or around one. It speaks only of text that is no JSON
// or JSON of another kind.
func judgeText(clean string) (problem, fix string) {
	switch {
	case clean == "":
		return "the JWKS is empty", howToGet
	case len(clean) > maxBody:
		return "the JWKS is larger than 1 MiB", howToGet
	case strings.HasPrefix(clean, "-----BEGIN "):
		return "the JWKS is PEM, not JSON", howToGet
	case strings.HasPrefix(clean, "<"):
		return "the JWKS is a page of HTML or XML, not JSON", howToGet
	}
	if json.Valid([]byte(clean)) {
		return judgeShape(clean)
	}
	if strings.HasSuffix(clean, "%") && json.Valid([]byte(strings.TrimSuffix(clean, "%"))) {
		return "the JWKS ends in %, with which zsh marks output without a line end", "delete the % at the end"
	}
	for i, line := range strings.Split(clean, "\n") {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") {
			return fmt.Sprintf("line %d of the JWKS is a comment, and JSON has none", i+1), "delete the line: inside of a YAML block it is part of the text"
		}
	}
	return "", ""
}

// judgeShape recognizes other JSON by its members.
func judgeShape(clean string) (problem, fix string) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(clean), &members) != nil || members["keys"] != nil {
		return "", ""
	}
	switch {
	case members["jwks_uri"] != nil:
		return "the JWKS is the discovery document, not the keys", howToGet
	case members["kty"] != nil:
		return "the JWKS is a single key, not a set", `write it as {"keys":[ the key ]}`
	}
	return "", ""
}
