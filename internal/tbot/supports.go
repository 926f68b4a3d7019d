package tbot

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
)

// The releases that this runtime speaks to. Older servers than firstJoin were never tried; firstOutputs reads keys where
// GenerateUserCerts puts them (teleport-facts 4.7); lastRelease is the last with the join service that is spoken here, which 20 is
// to drop (teleport-facts 2.2).
const (
	firstJoin    = 15
	firstOutputs = 17
	lastRelease  = 19
)

// Supports says whether this runtime can join a server of a version X.Y.Z and make outputs there; why explains what it cannot, and
// is empty where it can do both.
func Supports(version string) (join, outputs bool, why string) {
	full := "v" + strings.TrimPrefix(version, "v")
	if !semver.IsValid(full) {
		return false, false, fmt.Sprintf("the server's version %q is not understood", version)
	}
	major, err := strconv.Atoi(semver.Major(full)[1:])
	switch {
	case err != nil:
		return false, false, fmt.Sprintf("the server's version %q is not understood", version)
	case major < firstJoin:
		return false, false, fmt.Sprintf("Teleport %s is older than %d, the first that the embedded runtime joins", version, firstJoin)
	case major > lastRelease:
		return false, false, fmt.Sprintf("Teleport %s is newer than %d, the last with the join service that the embedded runtime speaks", version, lastRelease)
	case major < firstOutputs:
		return true, false, fmt.Sprintf("Teleport %s reads the keys of an output in a field that the embedded runtime does not send: the join alone can be proven, outputs from %d on", version, firstOutputs)
	}
	return true, true, ""
}
