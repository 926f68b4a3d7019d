// Package proof shows that a pod of the service account would be let in: it gets the very token that the pod will present and
// runs the embedded tbot with it once, in memory. It leaves no pod behind. What a proof means for the run is its caller's.
package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// tokenLifetime is what the Deployment's projected volume asks for too, the least that Kubernetes grants.
const tokenLifetime = 10 * time.Minute

// createTimeout and cleanupTimeout bound the two calls about the probe pod, which a broken-off run still finishes.
const (
	createTimeout  = 15 * time.Second
	cleanupTimeout = 15 * time.Second
)

// Kubernetes is what the proof needs of the cluster.
type Kubernetes interface {
	// RunningPod gives a pod that runs as the service account, nil where there is none.
	RunningPod(ctx context.Context, namespace, serviceAccount string) (*corev1.Pod, error)
	ServiceAccountUID(ctx context.Context, namespace, name string) (types.UID, error)
	CreatePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error)
	DeletePod(ctx context.Context, pod *corev1.Pod) error
	// PodToken asks for a token of the pod's service account that is bound to the pod.
	PodToken(ctx context.Context, pod *corev1.Pod, audience string, lifetime time.Duration) (spec.Secret, error)
}

// Outcome is what a join gave; the proof passes it through.
type Outcome struct {
	// User is the certificate's subject, Roles those of the bot itself.
	User     string
	Roles    []string
	NotAfter time.Time
	// Via is the protocol of the join.
	Via     string
	Outputs []Output
	// Notes say what could not be proven, and why.
	Notes []string
}

// Output is one output that the embedded tbot generated.
type Output struct {
	Type        string
	Destination string
	Roles       []string
	NotAfter    time.Time
	Files       []string
}

// Proof proves one Setup's join.
type Proof struct {
	Kubernetes Kubernetes
	// Join runs the embedded tbot once with a service account token.
	Join func(ctx context.Context, idToken spec.Secret) (Outcome, error)
	// Deployment is the one that will run.
	Deployment *appsv1.Deployment
	JoinType   spec.JoinType
	// Say tells of progress; never of the token.
	Say func(step string)
	Now func() time.Time
}

// Result is a proof that succeeded.
type Result struct {
	Outcome
	// From says which pod the token was bound to and where it was presented from.
	From string
}

// Run makes or finds the pod, gets its token, removes the pod and joins. A token that a running API server only reviews
// (in_cluster) needs its pod alive until Teleport has asked (field-notes 7).
func (p Proof) Run(ctx context.Context) (Result, error) {
	pod, made, err := p.pod(ctx)
	if err != nil {
		return Result{}, err
	}
	remove := func() error { return nil }
	if made {
		remove = func() error { return p.remove(ctx, pod) }
	}
	token, err := p.Kubernetes.PodToken(ctx, pod, audience(p.Deployment), tokenLifetime)
	if err != nil {
		return Result{}, errors.Join(err, remove())
	}
	if p.JoinType != spec.JoinInCluster {
		if err := remove(); err != nil {
			return Result{}, err
		}
		remove = func() error { return nil }
	}
	p.Say("presenting the token to Teleport")
	outcome, err := p.Join(ctx, token)
	if err = errors.Join(err, remove()); err != nil {
		return Result{Outcome: outcome}, err
	}
	origin := "a pod that was never scheduled, made for this and removed"
	if !made {
		origin = "running pod " + pod.Name
	}
	return Result{Outcome: outcome, From: fmt.Sprintf("this machine, with a token of service account %s/%s bound to %s",
		pod.Namespace, pod.Spec.ServiceAccountName, origin)}, nil
}

// pod finds a pod of the service account, or makes one that never runs.
func (p Proof) pod(ctx context.Context) (pod *corev1.Pod, made bool, err error) {
	template := p.Deployment.Spec.Template.Spec
	running, err := p.Kubernetes.RunningPod(ctx, p.Deployment.Namespace, template.ServiceAccountName)
	if err != nil {
		return nil, false, err
	}
	if running != nil {
		p.Say("using running pod " + running.Name)
		return running, false, nil
	}
	account, err := p.Kubernetes.ServiceAccountUID(ctx, p.Deployment.Namespace, template.ServiceAccountName)
	if err != nil {
		return nil, false, err
	}
	wanted, err := probePod(p.Deployment, account, p.Now())
	if err != nil {
		return nil, false, err
	}
	p.Say("making pod " + wanted.Name + ", which never runs, to bind a token to")
	created, err := p.create(ctx, wanted)
	switch {
	case err == nil:
	case isVerdict(err):
		return nil, false, fmt.Errorf("the cluster does not take a pod like the Deployment's: %w", err)
	default:
		// The answer may be what was lost, and the pod be there: its name is nobody else's.
		return nil, false, errors.Join(err, p.remove(ctx, wanted))
	}
	if !isGated(created) {
		return nil, false, errors.Join(errors.New("the API server dropped the probe pod's scheduling gate (Kubernetes before 1.27, or an admission webhook), so it was deleted at once"), p.remove(ctx, created))
	}
	return created, true, nil
}

// create is not broken off half-way: an answer that nobody waited for would be a pod that nobody removes.
func (p Proof) create(ctx context.Context, wanted *corev1.Pod) (*corev1.Pod, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTimeout)
	defer cancel()
	return p.Kubernetes.CreatePod(ctx, wanted)
}

// isVerdict tells an answer by which the API server turned a request down (HTTP 4xx) from trouble on the way.
func isVerdict(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code >= 400 && status.Status().Code < 500
}

// remove deletes the probe pod also when the run was broken off.
func (p Proof) remove(ctx context.Context, pod *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	ticker := time.NewTicker(removeAgainAfter)
	defer ticker.Stop()
	var err error
	for range removeTries {
		if err = p.Kubernetes.DeletePod(ctx, pod); err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return fmt.Errorf("the probe pod %s/%s is left behind, delete it by hand: %w", pod.Namespace, pod.Name, err)
}

// removeTries and removeAgainAfter carry the removal over a connection that broke.
const (
	removeTries      = 3
	removeAgainAfter = 200 * time.Millisecond
)
