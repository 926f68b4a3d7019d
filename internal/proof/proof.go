// Package proof shows that a pod of the service account would be let in: it gets the very token that the pod will present and
// runs the embedded tbot with it once, in memory. It leaves no pod behind. What a proof means for the run is its caller's.
package proof

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	// PendingPod gives one that does not run yet, nil where there is none.
	PendingPod(ctx context.Context, namespace, serviceAccount string) (*corev1.Pod, error)
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

// Output is one output of the tbot.yaml, and what came of it.
type Output struct {
	// Name tells it apart in logs and under /readyz: the given one, or <type>-<n>.
	Name, Type string
	// Destination says in words where it goes.
	Destination string
	// User, Roles and the Kubernetes groups and users are those of its certificate.
	User                              string
	Roles                             []string
	KubernetesGroups, KubernetesUsers []string
	NotAfter                          time.Time
	// Files are the names of what would be written, sorted.
	Files []string
	// Clusters are the Kubernetes clusters that it reaches, sorted.
	Clusters []string
	// Err is why it could not be generated, *tbot.Refused in Teleport's own words; nil where it was.
	Err error
	// NotExercised is why nobody tried; empty where somebody did.
	NotExercised string
	// Notes are what it is not good for although tbot makes it.
	Notes []string
	// Writes are the places that the pod writes to, as far as anybody asked.
	Writes []Write
}

// Write is one place that an output writes to.
type Write struct {
	// Place is for example "Secret machines/tbot-out".
	Place string
	// Err is why the pod could not write there, Untested why nobody knows; it could where both are empty.
	Err      error
	Untested string
}

// Proof proves one Setup's join.
type Proof struct {
	Kubernetes Kubernetes
	// Join runs a tbot once with a service account token.
	Join func(ctx context.Context, idToken spec.Secret) (Outcome, error)
	// Rehearse, where it is set, gets a second token of the same pod, for the API server itself, and asks as the pod whether it could
	// write what came of the join. The pod lives until it returns.
	Rehearse func(ctx context.Context, apiToken spec.Secret, outcome *Outcome) error
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
// (in_cluster, and the one of Rehearse) needs its pod alive until it has been used (field-notes 7).
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
	if p.JoinType != spec.JoinInCluster && p.Rehearse == nil {
		if err := remove(); err != nil {
			return Result{}, err
		}
		remove = func() error { return nil }
	}
	p.Say("presenting the token to Teleport")
	outcome, err := p.Join(ctx, token)
	if err == nil && p.Rehearse != nil {
		p.Say("asking Kubernetes whether the pod could write what it got")
		err = p.rehearse(ctx, pod, &outcome)
	}
	if err = errors.Join(err, remove()); err != nil {
		return Result{Outcome: outcome}, err
	}
	origin := "a pod that was never scheduled, made for this and removed"
	switch {
	case made:
	case pod.Status.Phase == corev1.PodPending:
		origin = "pod " + pod.Name + ", which does not run yet"
	default:
		origin = "running pod " + pod.Name
	}
	return Result{Outcome: outcome, From: fmt.Sprintf("this machine, with a token of service account %s/%s bound to %s",
		pod.Namespace, pod.Spec.ServiceAccountName, origin)}, nil
}

// rehearse presents to the API server what the pod finds mounted: a token without an audience of its own, which holds as long as the
// pod lives (Kubernetes: bound service account tokens).
func (p Proof) rehearse(ctx context.Context, pod *corev1.Pod, outcome *Outcome) error {
	token, err := p.Kubernetes.PodToken(ctx, pod, "", tokenLifetime)
	if err != nil {
		return err
	}
	return p.Rehearse(ctx, token, outcome)
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
	case strings.Contains(err.Error(), "exceeded quota: "):
		return p.instead(ctx, fmt.Errorf("the cluster does not take a pod like the Deployment's: %w", err))
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

// instead takes a pod that uses up the quota and does not run, such as one whose image cannot be had: nothing but the Deployment's next
// change replaces it, and a quota of one pod has no room for another. Quota is the last to judge, so nobody else has refused ours.
func (p Proof) instead(ctx context.Context, refused error) (pod *corev1.Pod, made bool, err error) {
	pending, err := p.Kubernetes.PendingPod(ctx, p.Deployment.Namespace, p.Deployment.Spec.Template.Spec.ServiceAccountName)
	if err != nil || pending == nil {
		return nil, false, errors.Join(refused, err)
	}
	p.Say("the quota has no room for another pod, so using pod " + pending.Name + ", which does not run yet")
	return pending, false, nil
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
