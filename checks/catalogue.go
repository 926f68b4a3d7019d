package checks

import "slices"

// Catalogue returns every check in the order of a diagnosis. IDs are never reused and never renumbered.
func Catalogue() []Check {
	return slices.Concat(
		localChecks(),
		kubernetesChecks(), liveKubernetesChecks(), argoCDFoundChecks(),
		issuerChecks(), liveIssuerChecks(), discoveryChecks(),
		teleportChecks(), liveTeleportChecks(), reachChecks(), reachRoleChecks(),
		liveTokenChecks(),
		workloadChecks(), liveWorkloadChecks(), UpgradeChecks(),
		permissionChecks(), livePermissionChecks(),
		outputChecks(), liveOutputChecks(),
		joinChecks(), liveJoinChecks(),
		auditChecks(),
	)
}
