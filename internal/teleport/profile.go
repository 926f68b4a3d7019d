package teleport

import (
	"encoding/pem"
	"fmt"
	"os"

	"github.com/gravitational/teleport/api/profile"
	"github.com/gravitational/teleport/api/utils/keypaths"
)

// hardwareKey is the PEM type of a key file that only says where on a hardware token (PIV) the key itself is; the api module
// keeps the word to itself (api/utils/keys).
const hardwareKey = "PIV YUBIKEY PRIVATE KEY"

// hardwareBacked reports whether the key of a tsh profile lies on a hardware token. A build without CGO reads such a profile
// gladly and fails in the first handshake with "PIV is unavailable in current build", so it is looked at before.
func hardwareBacked(profileDir, host string) bool {
	held, err := profile.FromDir(profileDir, host)
	if err != nil {
		return false
	}
	// Since 17 the TLS key has a file of its own; before, it was the SSH key's (teleport-facts 4.4).
	for _, path := range []string{
		keypaths.UserTLSKeyPath(held.Dir, held.Name(), held.Username),
		keypaths.UserSSHKeyPath(held.Dir, held.Name(), held.Username),
	} {
		text, err := os.ReadFile(path) //nolint:gosec // a file of the user's own profile
		if err != nil {
			continue
		}
		block, _ := pem.Decode(text)
		return block != nil && block.Type == hardwareKey
	}
	return false
}

// hardwareError says that the login cannot be used here, and the ways out that need no other build.
func hardwareError(host string) error {
	return &Error{
		Kind: NotLoggedIn, Doing: "logging in to Teleport",
		Err: fmt.Errorf("the tsh profile for %s keeps its key on a hardware token (PIV), which this build of tbotctl cannot use; "+
			"name an identity file with a key in software by --identity (made by an administrator: tctl auth sign --user=USER --ttl=1h --out=FILE), "+
			"or leave the Teleport side to tctl, which can use the token", host),
	}
}
