package checks_test

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/checks"
)

// A name that Teleport does not take is either the output's own, or that of a cluster which spoils the list for everybody.
func TestJudgeOutputOfANameThatIsNone(t *testing.T) {
	t.Parallel()
	const words = "asking for the list of Kubernetes clusters: invalid kubernetes cluster name\n\t\"prod/eu\" does not match regex"
	for name, row := range map[string]struct {
		cluster              string
		cause, observed, fix string
	}{
		"of another cluster":   {"", "no list that holds it can be read", `"prod/eu" does not match`, "enrol that cluster anew"},
		"beside one that will": {"alpha", "no list that holds it can be read", `"prod/eu" does not match`, "enrol that cluster anew"},
		"of the output":        {"prod/eu", "no cluster can be called", `output kubernetes-1 names "prod/eu"`, "write kubernetes_cluster as"},
	} {
		got := checks.JudgeOutput(words, checks.OutputKnown{Output: "kubernetes-1", Bot: "robot", KubernetesCluster: row.cluster})
		if got.ID != "P23" || !strings.Contains(got.Cause, row.cause) || !strings.Contains(got.Observed, row.observed) || !strings.Contains(got.Fix, row.fix) || got.Expected == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
