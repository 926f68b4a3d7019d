package checks

import "slices"

// Catalogue returns every check in the order of a diagnosis. IDs are never reused and never renumbered.
func Catalogue() []Check {
	return slices.Concat(kubernetesChecks(), issuerChecks(), teleportChecks(), workloadChecks(), permissionChecks(), outputChecks(), joinChecks())
}
