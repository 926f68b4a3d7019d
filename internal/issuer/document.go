package issuer

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// discoveryPath is where OpenID Connect Discovery 1.0 section 4 and the Kubernetes API server both serve the document.
const discoveryPath = "/.well-known/openid-configuration"

// document is the part of a discovery document that a join depends on.
type document struct {
	Issuer     string   `json:"issuer"`
	JWKSURI    string   `json:"jwks_uri"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
}

// decodeDocument reads a discovery document; the fault is of kind FailureNotJSON or FailureBadDocument.
func decodeDocument(body []byte) (document, *failed) {
	var d document
	err := json.Unmarshal(body, &d)
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType):
		where := "the whole"
		if wrongType.Field != "" {
			where = spec.Quote(wrongType.Field)
		}
		return document{}, &failed{kind: FailureBadDocument, detail: where + " is of the wrong JSON type", err: err}
	case err != nil:
		return document{}, &failed{kind: FailureNotJSON, detail: jsonProblem(body, err), err: err}
	case d.Issuer == "":
		return document{}, &failed{kind: FailureBadDocument, detail: "it has no `issuer`"}
	case d.JWKSURI == "":
		return document{}, &failed{kind: FailureBadDocument, detail: "it has no `jwks_uri`"}
	}
	return d, nil
}

// jsonProblem says where JSON breaks off, and shows how a page of another kind begins.
func jsonProblem(body []byte, err error) string {
	start := strings.TrimSpace(string(body[:min(len(body), 60)]))
	if start == "" {
		return "the answer is empty"
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line, column := position(body, syntax.Offset)
		return fmt.Sprintf("line %d, column %d: %s; it begins %s", line, column, spec.Quote(syntax.Error()), spec.Quote(start))
	}
	return "it begins " + spec.Quote(start)
}

// position turns the offset of a json.SyntaxError (the bytes read, the offending one included) into line and column from 1.
func position(text []byte, offset int64) (line, column int) {
	read := string(text[:max(0, min(int(offset), len(text)))])
	line = 1 + strings.Count(read, "\n")
	return line, max(1, len([]rune(read[strings.LastIndex(read, "\n")+1:])))
}

// wellKnown returns the address of an issuer's discovery document, or what is wrong with the issuer. It builds it as Teleport
// does: one slash at the end is dropped for the URL alone (zitadel/oidc client.Discover), never from the issuer (P16).
func wellKnown(issuer string) (address *url.URL, problem string) {
	if problem := judgeIssuer(issuer); problem != "" {
		return nil, problem
	}
	return parseHTTPS(strings.TrimSuffix(issuer, "/") + discoveryPath)
}

// judgeIssuer holds an issuer to what Teleport accepts (teleport-facts 3.6) and OpenID Connect Discovery 1.0 section 3 asks: an
// https URL without query and fragment.
func judgeIssuer(issuer string) (problem string) {
	if _, problem := parseHTTPS(issuer); problem != "" {
		return problem
	}
	if strings.ContainsAny(issuer, "?#") {
		return spec.Quote(issuer) + " holds a query or a fragment"
	}
	return ""
}

// parseHTTPS reads an absolute https URL without credentials, or says what is wrong with it.
func parseHTTPS(raw string) (u *url.URL, problem string) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, spec.Quote(raw) + " is no absolute URL"
	case u.Scheme != "https":
		return nil, fmt.Sprintf("%s is %s, not https", spec.Quote(raw), spec.Quote(u.Scheme))
	case u.User != nil:
		return nil, spec.Quote(u.Redacted()) + " holds a user"
	}
	return u, ""
}
