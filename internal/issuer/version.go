package issuer

import (
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"

	"golang.org/x/mod/semver"
)

// oidcGate says since when a Teleport cluster takes the oidc type (field-notes 0 item 5, teleport-facts 9), for messages.
const oidcGate = "17.7.0, 18.1.5 or 19"

// SupportsOIDC reports whether a Teleport cluster of that version, X.Y.Z as /webapi/find says, takes join tokens of type oidc.
//
// Pre-releases are ordered as Semantic Versioning 2.0.0 says: 18.1.5-dev comes before 18.1.5 and does not count, because it may
// be older than the change; 18.2.0-dev comes after it and counts. All of 19, pre-releases included, branched off later.
// A version that cannot be read is an error of kind BadVersion: unknown, not unsupported.
func SupportsOIDC(serverVersion string) (bool, error) {
	v := "v" + strings.TrimPrefix(serverVersion, "v")
	if !semver.IsValid(v) || strings.Count(strings.SplitN(v, "-", 2)[0], ".") < 2 {
		return false, &Error{
			Kind:    BadVersion,
			Problem: fmt.Sprintf("the server's version %s is not X.Y.Z", spec.Quote(serverVersion)),
			Fix:     "see server_version in https://PROXY/webapi/find",
		}
	}
	switch semver.Major(v) {
	case "v17":
		return semver.Compare(v, "v17.7.0") >= 0, nil
	case "v18":
		return semver.Compare(v, "v18.1.5") >= 0, nil
	}
	return semver.Compare(v, "v19.0.0-0") >= 0, nil
}
