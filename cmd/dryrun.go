package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// The values of --dry-run; empty writes.
const (
	dryRunClient = "client"
	dryRunServer = "server"
)

// judgeDryRun holds --dry-run to its values and to what it goes with.
func (o *initOptions) judgeDryRun() error {
	switch {
	case o.dryRun != "" && o.dryRun != dryRunClient && o.dryRun != dryRunServer:
		return usagef("--dry-run: %s is not known; use client or server", spec.Quote(o.dryRun))
	case o.dryRun != "" && (o.outDirGiven || o.save != ""):
		return usagef("--dry-run writes nothing, so it goes neither with --out-dir nor with --save")
	}
	return nil
}

// endDry ends a run of --dry-run where another one begins to write. For server, Kubernetes judges first everything that would be sent:
// admission, quotas and policies speak in a server's dry run as they do in earnest. Teleport knows none.
func (r *initRun) endDry(ctx context.Context, set manifests.Set) error {
	if r.dryRun == dryRunClient {
		r.progress.Say("Nothing was written: --dry-run client ends with the plan.")
		return ctx.Err()
	}
	r.progress.Head("Dry run")
	unasked, err := r.tryObjects(ctx)
	if err != nil {
		return err
	}
	if !unasked && r.prove != proveNever && !r.setup.IsAgent() && r.setup.Side.HasKubernetes() {
		if err := r.rehearsePod(ctx, set); err != nil {
			return err
		}
	}
	r.progress.Say("Nothing was written. Teleport knows no dry run: of that side only the rights were judged.")
	if unasked {
		return &unknownError{fmt.Sprintf("nothing wrong was seen, but in namespace %s, which is still to be made, nothing could be tried", r.setup.Kubernetes.Namespace)}
	}
	return ctx.Err()
}

// tryObjects has each object that would be written judged. In a namespace that is still to be made nothing can be tried.
func (r *initRun) tryObjects(ctx context.Context) (unasked bool, err error) {
	for _, item := range r.result.Plan.Items {
		if item.Resource.Object == nil || item.Action == plan.Same {
			continue
		}
		if unasked && item.Resource.System == manifests.Kubernetes {
			continue
		}
		cluster := r.clusters.kube
		if item.Resource.System == manifests.Target {
			cluster = r.clusters.targets[item.Resource.Context]
		}
		if err := r.try(item.Resource.ID(), func() error { return cluster.Rehearse(ctx, item.Resource.Object, item.Force) }); err != nil {
			return unasked, err
		}
		unasked = unasked || item.Resource.Stage == manifests.StageNamespace && item.Action == plan.Create
	}
	return unasked, nil
}

// rehearsePod has a pod of a new Deployment judged: policies judge pods, and a Deployment is taken whatever they think of its template. One
// that is there already was judged with the plan. Where the service account is not there yet, that of the namespace stands in: the API
// server takes no pod of an account that it does not know.
func (r *initRun) rehearsePod(ctx context.Context, set manifests.Set) error {
	deployment, err := set.Deployment()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(r.result.Plan.Items, func(item plan.Item) bool {
		return item.Resource.Stage == manifests.StageWorkload && item.Action == plan.Create
	}) {
		return nil
	}
	pod := proof.Trial(deployment)
	if _, err := r.clusters.kube.ServiceAccountUID(ctx, pod.Namespace, pod.Spec.ServiceAccountName); kube.Is(err, kube.NotFound) {
		pod.Spec.ServiceAccountName = "default"
	} else if err != nil {
		return err
	}
	var refused string
	err = r.try("pod of Deployment "+deployment.Namespace+"/"+deployment.Name, func() (err error) {
		if refused, _, err = r.clusters.kube.Admit(ctx, pod); err == nil && refused != "" {
			err = errors.New(refused)
		}
		return err
	})
	if refused == "" {
		return err
	}
	turned := checks.ExplainAdmission("a pod like the Deployment's", refused).Result(err)
	r.progress.Check(turned)
	r.result.Checks = append(r.result.Checks, turned)
	return &findingError{text: fmt.Sprintf("%s failed; nothing was written", checks.PodsAdmitted), causes: []error{err}}
}

func (r *initRun) try(what string, send func() error) error {
	start := r.factory.Now()
	err := send()
	event := apply.Event{Step: what, State: apply.Done, Detail: "would be taken", Elapsed: r.factory.Now().Sub(start)}
	if err != nil {
		event.State, event.Detail = apply.Failed, err.Error()
	}
	r.progress.Event(event)
	return err
}
