package checks

import (
	"slices"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// OfSide leaves out the checks that look where a run for one side alone may not: with no login, what only Teleport's administrators
// see, and with no Kubernetes cluster all that is in one. What the proxy tells everybody belongs to both.
func OfSide(side spec.Side, selected []Check) []Check {
	return slices.DeleteFunc(slices.Clone(selected), func(check Check) bool {
		return !side.HasTeleport() && slices.Contains(byLogin(), check.ID) || !side.HasKubernetes() && !slices.Contains(byTeleport(), check.ID)
	})
}

// byLogin are the checks of init that look by a Teleport login. Those of a diagnosis do without one by themselves.
func byLogin() []ID {
	return []ID{TeleportLogin, TeleportRoles, TeleportRights, KubeClusters, ActsWithoutGroup}
}

// byTeleport are the checks that ask Teleport and nobody else, once it is known whose join they are about.
func byTeleport() []ID {
	return slices.Concat(byLogin(), []ID{
		TeleportAnswers, TeleportName, TeleportVersion, ClientsGetIn,
		TokenExists, TokenForBot, TokenAdmits, TokenKeys, TokenIssuer, TokenStays, TokenFits,
		BotExists, NothingLocked, NoTLSEnd, PublicAddress, NoTouch, RolesReach, MayRead,
		LastJoin, InstanceRecent,
	})
}
