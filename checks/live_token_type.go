package checks

import (
	"fmt"
	"strings"

	"github.com/gravitational/teleport/api/types"
	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// judgeTokenType holds the type to what the server knows, and to where it runs (field-notes P02, P42).
func judgeTokenType(w Workload, token *types.ProvisionTokenV2, known Known, last outcome, told bool) Finding {
	kind := kubernetesType(token)
	name := fmt.Sprintf("join token %s is of type %s", token.GetName(), kind)
	switch {
	case told && !last.let && (last.refusal.ID == "P02" || last.refusal.ID == "P42"):
		return tell(fitting(w, token, last.refusal, known), "Teleport says")
	case kind == spec.JoinOIDC && known.ServerVersion != "" && !typeSupported(known.ServerVersion):
		return Finding{
			Status: Fail, Observed: name + ", and the server is Teleport " + known.ServerVersion, Expected: "17.7.0, 18.1.5, 19 or newer for the type oidc",
			Fix: otherType(w, token, known, false),
		}
	case kind != spec.JoinInCluster:
		return passed(fmt.Sprintf("type %s, Teleport %s", kind, known.ServerVersion))
	case refused{Known: known}.onCloud():
		return Finding{
			Status: Fail, Observed: "P42: " + name + ", and Teleport Cloud's Auth Service runs in no cluster of yours", Expected: "type oidc or static_jwks",
			Fix: otherType(w, token, known, true),
		}
	}
	if file, named := w.namesClusterToOld(known); named {
		return Finding{
			Status:   Fail,
			Observed: fmt.Sprintf("P02: %s, Teleport %s asks for the API server's own audience, and the pod's token has %s", name, known.ServerVersion, spec.Quote(file.audience)),
			Expected: "a token without an audience of its own, or Teleport 17.0.3", Fix: w.withoutAudience(file),
		}
	}
	if told && last.let {
		return passed(name + ", and the last join by it was let in")
	}
	return skipped(name + "; whether the Auth Service runs in this same Kubernetes cluster is not seen from here")
}

// namesClusterToOld is the projected token that names the cluster to an Auth Service that asks for no such audience.
func (w Workload) namesClusterToOld(known Known) (tokenFile, bool) {
	file, found := w.joinToken(known.ClusterName)
	return file, found && file.audience != "" && file.audience == known.ClusterName && !reviewsClusterName(known.ServerVersion)
}

func (w Workload) withoutAudience(file tokenFile) string {
	return w.patch(change{Op: "remove", Path: file.at + "/audience"})
}

// reviewsClusterName tells whether the Auth Service lists the cluster's name among the audiences of a TokenReview (teleport-facts 3.4,
// field-notes P02). Versions that cannot be read are taken to be new.
func reviewsClusterName(version string) bool {
	v := "v" + version
	if !semver.IsValid(v) {
		return true
	}
	switch semver.Major(v) {
	case "v17":
		return semver.Compare(v, "v17.0.3") >= 0
	case "v16":
		return semver.Compare(v, "v16.4.9") >= 0
	}
	return semver.Compare(v, "v17.0.0") > 0
}

// otherType is the command that gives the join token a type that works with this server: oidc where it can, else a copy of the keys.
func otherType(w Workload, token *types.ProvisionTokenV2, known Known, oidc bool) string {
	if oidc && known.Public.Reachable && typeSupported(known.ServerVersion) {
		return asOIDC(token, known.Cluster.Issuer)
	}
	if command := asStatic(token, liveKeys(known.Cluster, known.Public)); command != "" {
		return command
	}
	return liveFix(w, "P16", known)
}

// fitting gives a refusal of an in_cluster join the way out for this join token. A missing right is granted in place, and an audience
// that is too new for the server taken away.
func fitting(w Workload, token *types.ProvisionTokenV2, r Refusal, known Known) Refusal {
	if file, named := w.namesClusterToOld(known); named && r.ID == "P02" {
		r.Fix = w.withoutAudience(file)
		return r
	}
	if !strings.HasPrefix(r.Fix, "kubectl create clusterrolebinding") {
		if fix := otherType(w, token, known, true); fix != "" {
			r.Fix = fix
		}
	}
	return r
}
