// Package apply carries a plan out: what the join needs, the proof of the join, then the workload, and the wait until it runs.
// It emits events and prints nothing; what is to be done was decided by plan, and whether it was worth doing by checks.
package apply

import (
	"context"
	"fmt"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// writeTimeout bounds one write, also after the run was broken off.
const writeTimeout = 30 * time.Second

// Kubernetes writes to the cluster.
type Kubernetes interface {
	Apply(ctx context.Context, object *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error)
	// ForceApply wins fields that another manager holds.
	ForceApply(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error)
}

// Teleport writes to the Auth Service. Create refuses to replace what came into being since the plan was made.
type Teleport interface {
	CreateRole(ctx context.Context, role *types.RoleV6) error
	UpsertRole(ctx context.Context, role *types.RoleV6) error
	CreateBot(ctx context.Context, bot *machineidv1.Bot) error
	UpsertBot(ctx context.Context, bot *machineidv1.Bot) error
	CreateToken(ctx context.Context, token *types.ProvisionTokenV2) error
	UpsertToken(ctx context.Context, token *types.ProvisionTokenV2) error
}

// Runner carries out one plan.
type Runner struct {
	Kubernetes Kubernetes
	Teleport   Teleport
	// Targets are the clusters that the bot reaches, by their kubeconfig contexts.
	Targets map[string]Kubernetes
	// Prove proves the join once RBAC, role, bot and token are there, and before anything runs; nil proves nothing.
	Prove func(ctx context.Context, observe Observer) error
	// Rollout reads how far the Deployment has come; nil waits for nothing.
	Rollout func(ctx context.Context) (Rollout, error)
	Observe Observer
	Now     func() time.Time
}

// Result is what stands after a run, also after one that failed.
type Result struct {
	// Written are the items that were written, in order.
	Written []plan.Item
	// Proven and Ready tell how far the run came.
	Proven, Ready bool
	// Pod is the name of the pod that is ready.
	Pod string
}

// Run applies the items in order. The proof stands before the first resource of the targets' stage, or at the end where there is none
// from there on: a join that Teleport refuses leaves nothing in other clusters and no Deployment behind. A plan with a conflict is not
// begun.
func (r Runner) Run(ctx context.Context, planned plan.Plan) (Result, error) {
	var result Result
	if conflicts := planned.Conflicts(); len(conflicts) > 0 {
		return result, fmt.Errorf("%s was %s; nothing was written", conflicts[0].Resource.ID(), conflicts[0].Owner)
	}
	proven := false
	for _, item := range planned.Items {
		if item.Resource.Stage >= manifests.StageTarget && !proven {
			if err := r.prove(ctx, &result); err != nil {
				return result, err
			}
			proven = true
		}
		if item.Action == plan.Same {
			continue
		}
		if err := r.step(ctx, item.Resource.ID(), func() (string, error) { return verb(item.Action), r.write(ctx, item) }); err != nil {
			return result, err
		}
		result.Written = append(result.Written, item)
	}
	if !proven {
		if err := r.prove(ctx, &result); err != nil {
			return result, err
		}
	}
	return result, r.wait(ctx, &result)
}

func (r Runner) prove(ctx context.Context, result *Result) error {
	if r.Prove == nil {
		return nil
	}
	if err := r.Prove(ctx, r.Observe); err != nil {
		return err
	}
	result.Proven = true
	return nil
}

// write is not broken off half-way: the step in hand is finished, so that what stands is known.
func (r Runner) write(ctx context.Context, item plan.Item) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	switch resource := item.Resource; {
	case resource.Object != nil:
		return r.writeObject(ctx, item)
	case resource.Role != nil && item.Action == plan.Create:
		return r.Teleport.CreateRole(ctx, resource.Role)
	case resource.Role != nil:
		return r.Teleport.UpsertRole(ctx, resource.Role)
	case resource.Bot != nil && item.Action == plan.Create:
		return r.Teleport.CreateBot(ctx, resource.Bot)
	case resource.Bot != nil:
		return r.Teleport.UpsertBot(ctx, resource.Bot)
	case item.Action == plan.Create:
		return r.Teleport.CreateToken(ctx, resource.Token)
	default:
		return r.Teleport.UpsertToken(ctx, resource.Token)
	}
}

// writeObject writes to the cluster that the object is for.
func (r Runner) writeObject(ctx context.Context, item plan.Item) error {
	cluster := r.Kubernetes
	if item.Resource.System == manifests.Target {
		if cluster = r.Targets[item.Resource.Context]; cluster == nil {
			return fmt.Errorf("%s: its cluster was not opened", item.Resource.ID())
		}
	}
	var err error
	if item.Force {
		_, err = cluster.ForceApply(ctx, item.Resource.Object)
	} else {
		_, err = cluster.Apply(ctx, item.Resource.Object, false)
	}
	if err != nil && item.Resource.Context != "" {
		return fmt.Errorf("context %s: %w", spec.Quote(item.Resource.Context), err)
	}
	return err
}

// step runs one piece of work between its events.
func (r Runner) step(ctx context.Context, name string, work func() (string, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	start := r.Now()
	r.Observe(Event{Step: name, State: Started})
	detail, err := work()
	if err != nil {
		r.Observe(Event{Step: name, State: Failed, Detail: err.Error(), Elapsed: r.Now().Sub(start)})
		return err
	}
	r.Observe(Event{Step: name, State: Done, Detail: detail, Elapsed: r.Now().Sub(start)})
	return nil
}

func verb(action plan.Action) string {
	switch action {
	case plan.Create:
		return "created"
	case plan.Unseen:
		return "written"
	default:
		return "updated"
	}
}
