package checks

import (
	"fmt"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// OutputUnknown explains output i of the tbot.yaml where the tbot of the image does not take its type, and so ends before it joins, or
// where the server is from before it (teleport-facts 9). server is X.Y.Z; the second result is false where both know the type, and
// where a version is not known.
func (w Workload) OutputUnknown(i int, server string) (Refusal, bool) {
	output := w.Config.Outputs[i]
	kind := output.Shared().Type
	_, tbot := splitImage(w.container().Image)
	serverKnows, of := tbotconfig.KnownTo(kind, server)
	refusal := Refusal{ID: "P33", Expected: fmt.Sprintf("a release that knows %s: %s", kind, of)}
	switch tbotKnows, ofTbot := tbotconfig.KnownTo(kind, tbot); {
	case spec.IsRelease(tbot) && !tbotKnows:
		refusal.Cause = "the pod's tbot does not know outputs of this type: it ends before it joins"
		refusal.Observed = fmt.Sprintf("%s in tbot.yaml, and image %s", describe(output), w.container().Image)
		refusal.Expected, refusal.Fix = fmt.Sprintf("a release that knows %s: %s", kind, ofTbot), w.ofVersion(server)
		if !serverKnows {
			refusal.Fix = w.typeFor(server, kind)
		}
	case spec.IsRelease(server) && !serverKnows:
		refusal.Cause = "Teleport does not serve what an output of this type makes"
		refusal.Observed = fmt.Sprintf("%s in tbot.yaml, and Teleport %s", describe(output), server)
		refusal.Fix = w.typeFor(server, kind)
	default:
		return Refusal{}, false
	}
	return refusal, true
}

// typeFor is what to do about an output that a server is too old or too new for.
func (w Workload) typeFor(server, kind string) string {
	if known, _ := tbotconfig.KnownTo(tbotconfig.TypeKubernetes, server); known && kind == tbotconfig.TypeKubernetesV2 {
		return "give each cluster an output of type kubernetes in its place, or upgrade Teleport"
	}
	return "take the output out of tbot.yaml, or move Teleport to one of these releases"
}
