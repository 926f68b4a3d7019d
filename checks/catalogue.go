package checks

import "slices"

// Catalogue returns every check in the order of a diagnosis. IDs are never reused and never renumbered.
func Catalogue() []Check {
	return slices.Concat(
		localChecks(),
		kubernetesChecks(), liveKubernetesChecks(), argoCDFoundChecks(), targetChecks(),
		issuerChecks(), liveIssuerChecks(), discoveryChecks(),
		teleportChecks(), liveTeleportChecks(), reachChecks(), reachRoleChecks(),
		liveTokenChecks(), reviewChecks(),
		workloadChecks(), liveWorkloadChecks(), UpgradeChecks(),
		permissionChecks(), livePermissionChecks(), targetRightsChecks(),
		outputChecks(), liveOutputChecks(),
		joinChecks(), liveJoinChecks(),
		auditChecks(),
	)
}
