package checks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// awaitClusterSecrets looks until Argo CD has a Secret for each cluster or the check's time is up.
func awaitClusterSecrets(ctx context.Context, f *Facts) Finding {
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	var lastAll, lastMissing []string
	looked := false
	for {
		all, missing, err := f.ClusterSecrets(ctx)
		switch {
		case err != nil && looked && timeIsUp(ctx):
			return judgeClusterSecrets(f.Setup.Kubernetes.Namespace, lastAll, lastMissing)
		case err != nil:
			return unknown(err)
		case len(missing) == 0:
			return judgeClusterSecrets(f.Setup.Kubernetes.Namespace, all, nil)
		}
		lastAll, lastMissing, looked = all, missing, true
		select {
		case <-ticker.C:
			continue
		case <-ctx.Done():
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return unknown(ctx.Err())
		}
		return judgeClusterSecrets(f.Setup.Kubernetes.Namespace, all, missing)
	}
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
