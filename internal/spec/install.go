package spec

import "strings"

// Install is what the mark of an installation says: which two clusters it ties together, where it is and what it is called.
type Install struct {
	// ClusterID is eight hex digits, or unidentified.
	ClusterID string
	// ClusterName is the Teleport cluster's.
	ClusterName     string
	Namespace, Name string
}

// ReadInstall takes a mark of Setup.InstallID apart; false where it is none.
func ReadInstall(mark string) (Install, bool) {
	parts := strings.Split(mark, "/")
	if len(parts) != 4 {
		return Install{}, false
	}
	return Install{ClusterID: parts[0], ClusterName: parts[1], Namespace: parts[2], Name: parts[3]}, true
}

// SamePlace reports whether two installations have one name in one namespace, of whichever clusters.
func (i Install) SamePlace(other Install) bool {
	return i.Namespace == other.Namespace && i.Name == other.Name
}
