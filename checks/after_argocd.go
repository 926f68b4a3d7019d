package checks

import (
	"context"
	"fmt"
	"strings"
)

// awaitClusterSecrets looks until Argo CD has a Secret for each cluster or the check's time is up.
func awaitClusterSecrets(ctx context.Context, f *Facts) Finding {
	return patiently(ctx, func() (Finding, bool, error) {
		all, missing, err := f.ClusterSecrets(ctx)
		return judgeClusterSecrets(f.Setup.Kubernetes.Namespace, all, missing), len(missing) == 0, err
	})
}

// judgeClusterSecrets only warns: tbot may have been waiting for its turn. namespace is tbot's.
func judgeClusterSecrets(namespace string, all, missing []string) Finding {
	if len(missing) == 0 {
		if len(all) == 0 {
			return Finding{Status: Skip, Observed: "which clusters match is not known here"}
		}
		return passed("Secret " + few(all))
	}
	return Finding{
		Status: Warn, Observed: fmt.Sprintf("tbot has not written Secret %s yet", strings.Join(missing, ", ")),
		Fix: fmt.Sprintf("kubectl --namespace %s logs --selector app.kubernetes.io/name=tbot", namespace),
	}
}
