package checks

import (
	"slices"
	"strings"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// judgeAnyone holds a bot by which Argo CD acts as any user to what that wants: no groups in any of its roles (field-notes P26). It is nil for
// another bot, and where all is well.
func judgeAnyone(bot string, kinds []string, roles []types.Role) *Finding {
	anyone, groups := false, map[string][]string{}
	var kept []string
	for _, role := range roles {
		anyone = anyone || slices.Contains(role.GetKubeUsers(types.Allow), types.Wildcard)
		groups[role.GetName()] = role.GetKubeGroups(types.Allow)
		if len(role.GetKubeGroups(types.Allow)) == 0 {
			kept = append(kept, role.GetName())
		}
	}
	if !anyone || !slices.Contains(kinds, tbotconfig.TypeArgoCD) {
		return nil
	}
	finding := judgeActs(bot, groups)
	if finding.Status != Fail {
		return nil
	}
	finding.Observed = "P26: " + finding.Observed
	finding.Fix = "tctl bots update " + spec.ShellWord(bot) + " --set-roles " + spec.ShellWord(strings.Join(kept, ","))
	if len(kept) == 0 {
		finding.Fix = "tctl edit role/" + spec.ShellWord(roles[0].GetName()) + ", and take kubernetes_groups out of it"
	}
	return &finding
}
