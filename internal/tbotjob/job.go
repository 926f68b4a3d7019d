// Package tbotjob runs a Deployment's tbot once more, as a Job with the same pod template, and tells what came of it: the last word on
// image, egress and admission, which nothing outside of a pod can show. It leaves no Job behind; what the run means is its caller's.
package tbotjob

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// DefaultPatience is how long a pod has to be scheduled, pull its image and run tbot once.
const DefaultPatience = 3 * time.Minute

// createTimeout and cleanupTimeout bound the calls about the Job that a broken-off run still finishes. A pod that is told to end has
// 30 seconds for it where its template does not say otherwise.
const (
	createTimeout  = 15 * time.Second
	cleanupTimeout = 45 * time.Second
)

// Kubernetes is what the run needs of the cluster.
type Kubernetes interface {
	ServiceAccountUID(ctx context.Context, namespace, name string) (types.UID, error)
	CreateJob(ctx context.Context, job *batchv1.Job) (*batchv1.Job, error)
	// DeleteJob removes the Job and waits until it and its pods are gone.
	DeleteJob(ctx context.Context, job *batchv1.Job) error
	JobPods(ctx context.Context, job *batchv1.Job) ([]corev1.Pod, error)
	Events(ctx context.Context, namespace string) ([]corev1.Event, error)
	// FollowLogs hands over a container's log line by line until the container ends.
	FollowLogs(ctx context.Context, namespace, pod, container string, line func(string)) error
	// Logs gives the last lines of a container.
	Logs(ctx context.Context, namespace, pod, container string, previous bool, lines int) ([]string, error)
}

// Job is one run. New makes it; what is exported may be changed before Run.
type Job struct {
	Kubernetes Kubernetes
	// Deployment is the one whose template is run, Config its tbot.yaml.
	Deployment *appsv1.Deployment
	Config     tbotconfig.Config
	// Name is the Job's.
	Name string
	// Container is tbot's in the template; empty is the first one.
	Container string
	// Patience is how long it may take; zero is DefaultPatience.
	Patience time.Duration
	// Say tells of progress, Follow of every line of tbot's log, which is foreign text; both may be nil. Follow is called from a
	// goroutine of its own.
	Say, Follow func(string)
	Now         func() time.Time

	// every is the pause between two looks at the pod.
	every time.Duration
}

// New prepares a run under a name that is nobody else's. It sends nothing.
func New(kubernetes Kubernetes, deployment *appsv1.Deployment, config tbotconfig.Config) (Job, error) {
	name, err := jobName(deployment.Name)
	if err != nil {
		return Job{}, err
	}
	return Job{Kubernetes: kubernetes, Deployment: deployment, Config: config, Name: name, Now: time.Now, every: lookAgainAfter}, nil
}

// lookAgainAfter is the pause between two looks at the pod.
const lookAgainAfter = time.Second

// Run makes the Job, follows its tbot until it ends, and removes the Job again, also where ctx ends. The error is nil where tbot joined
// and wrote every output; a *Failed is what the pod, the cluster's policies or Teleport said against it. The Result holds in any case
// what was seen.
func (j Job) Run(ctx context.Context) (Result, error) {
	if j.container() < 0 {
		return Result{}, fmt.Errorf("the Deployment %s/%s has no container %q to run tbot in", j.Deployment.Namespace, j.Deployment.Name, j.Container)
	}
	account, err := j.Kubernetes.ServiceAccountUID(ctx, j.Deployment.Namespace, serviceAccount(j.Deployment))
	if err != nil {
		return Result{}, err
	}
	wanted := j.manifest(account)
	j.say("making Job " + j.Name)
	created, err := j.create(ctx, wanted)
	if err != nil {
		if isVerdict(err) {
			return Result{Name: j.Name}, err
		}
		// The answer may be what was lost, and the Job be there: its name is nobody else's.
		return Result{Name: j.Name}, errors.Join(err, j.remove(ctx, wanted))
	}
	watch := watch{Job: j, job: created}
	err = watch.run(ctx)
	result := watch.result()
	if err == nil {
		err = result.failure()
	}
	return result, errors.Join(err, j.remove(ctx, created))
}

// create is not broken off half-way: an answer that nobody waited for would be a Job that nobody removes.
func (j Job) create(ctx context.Context, wanted *batchv1.Job) (*batchv1.Job, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createTimeout)
	defer cancel()
	return j.Kubernetes.CreateJob(ctx, wanted)
}

// isVerdict tells an answer by which the API server turned a request down (HTTP 4xx) from trouble on the way.
func isVerdict(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code >= 400 && status.Status().Code < 500
}

// remove deletes the Job and its pod also when the run was broken off.
func (j Job) remove(ctx context.Context, job *batchv1.Job) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	j.say("removing Job " + job.Name)
	ticker := time.NewTicker(removeAgainAfter)
	defer ticker.Stop()
	var err error
	for range removeTries {
		if err = j.Kubernetes.DeleteJob(ctx, job); err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return fmt.Errorf("the Job %s/%s is left behind, delete it by hand: %w", job.Namespace, job.Name, err)
}

// removeTries and removeAgainAfter carry the removal over a connection that broke.
const (
	removeTries      = 3
	removeAgainAfter = 200 * time.Millisecond
)

func (j Job) say(step string) {
	if j.Say != nil {
		j.Say(step)
	}
}

func (j Job) patience() time.Duration {
	if j.Patience > 0 {
		return j.Patience
	}
	return DefaultPatience
}
