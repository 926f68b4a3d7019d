package teleporttest

import (
	"regexp"
	"time"

	"github.com/gravitational/teleport/api/defaults"
	"github.com/gravitational/teleport/api/types"
)

// traitVariable is a role template such as {{internal.logins}} or {{external.groups}}.
var traitVariable = regexp.MustCompile(`^\{\{\s*(?:internal|external)\.([A-Za-z0-9_]+)\s*\}\}$`)

// expand replaces the role templates in a list by the values of the named trait, which may be none.
func expand(in []string, traits map[string][]string) []string {
	var out []string
	for _, s := range in {
		if m := traitVariable.FindStringSubmatch(s); m != nil {
			out = append(out, traits[m[1]]...)
			continue
		}
		out = append(out, s)
	}
	return out
}

func readWrite() []string {
	return []string{types.VerbList, types.VerbCreate, types.VerbRead, types.VerbUpdate, types.VerbDelete}
}

func readOnly() []string { return []string{types.VerbList, types.VerbRead} }

func rules(verbs []string, kinds ...string) []types.Rule {
	out := make([]types.Rule, 0, len(kinds))
	for _, kind := range kinds {
		out = append(out, types.NewRule(kind, verbs))
	}
	return out
}

// presetRoles are Teleport's stock roles, with the rules that matter to the services of this package.
func presetRoles() []*types.RoleV6 {
	wildcard := types.Labels{types.Wildcard: []string{types.Wildcard}}
	preset := func(name, description string, allow types.RoleConditions) *types.RoleV6 {
		allow.Namespaces = []string{defaults.Namespace}
		return &types.RoleV6{
			Kind:    types.KindRole,
			Version: types.V7,
			Metadata: types.Metadata{
				Name:        name,
				Namespace:   defaults.Namespace,
				Description: description,
				Labels:      map[string]string{types.TeleportInternalResourceType: types.PresetResource},
			},
			Spec: types.RoleSpecV6{
				Options: types.RoleOptions{
					MaxSessionTTL: types.NewDuration(defaults.MaxCertDuration),
					ForwardAgent:  types.NewBool(name != "auditor"),
				},
				Allow: allow,
			},
		}
	}
	return []*types.RoleV6{
		preset("editor", "Edit cluster configuration", types.RoleConditions{
			Rules: append(rules(readWrite(), types.KindUser, types.KindRole, types.KindBot, types.KindToken, types.KindLock,
				types.KindBotInstance, types.KindClusterAuthPreference, types.KindClusterName, types.KindRemoteCluster,
				types.KindTrustedCluster, types.KindAuthConnector, types.KindNode, types.KindAppServer),
				rules(readOnly(), types.KindInstance)...),
		}),
		preset("access", "Access cluster resources", types.RoleConditions{
			NodeLabels:       wildcard,
			AppLabels:        wildcard,
			KubernetesLabels: wildcard,
			DatabaseLabels:   wildcard,
			Logins:           []string{"{{internal.logins}}"},
			KubeUsers:        []string{"{{internal.kubernetes_users}}"},
			KubeGroups:       []string{"{{internal.kubernetes_groups}}"},
			KubernetesResources: []types.KubernetesResource{{
				Kind: types.Wildcard, Namespace: types.Wildcard, Name: types.Wildcard, Verbs: []string{types.Wildcard},
			}},
			Rules: append(rules(readOnly(), types.KindEvent, types.KindInstance), types.Rule{
				Resources: []string{types.KindSession},
				Verbs:     readOnly(),
				Where:     "contains(session.participants, user.metadata.name)",
			}),
		}),
		preset("auditor", "Review cluster events and replay sessions", types.RoleConditions{
			Rules: rules(readOnly(), types.KindSession, types.KindEvent, types.KindSessionTracker, types.KindInstance,
				types.KindBotInstance),
		}),
	}
}

// implicitRules are granted to every user by Teleport's implicit role.
func implicitRules() []types.Rule {
	return append(
		rules(readOnly(), types.KindNode, types.KindKubeServer, types.KindKubernetesCluster, types.KindAppServer,
			types.KindDatabaseServer, types.KindClusterAuthPreference, types.KindClusterName, types.KindRemoteCluster),
		types.NewRule(types.KindCertAuthority, []string{types.VerbReadNoSecrets}),
	)
}

// defaultMaxSession bounds certificates of roles that set no max_session_ttl.
const defaultMaxSession = 30 * time.Hour
