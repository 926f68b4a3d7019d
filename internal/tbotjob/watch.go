package tbotjob

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// missedLooks is how many looks in a row may fail before the run gives up: a connection that breaks once is no end.
const missedLooks = 3

// settleAfter is how long a pod may be refused before that counts: the controller tries again, for example when its service account is
// not known everywhere yet.
const settleAfter = 3 * time.Second

// watch follows one Job from its making to the end of its tbot.
type watch struct {
	Job
	job *batchv1.Job

	pod  *corev1.Pod
	seen course
	code *int32
	// told is what was last said of the pod, so that nothing is said twice.
	told string
	// image is the most telling word about the image: a later "back-off" no longer says what was wrong.
	image string
	// refusedSince is when the pod was first seen refused.
	refusedSince time.Time

	log log
}

func (w *watch) containerName() string {
	return w.Deployment.Spec.Template.Spec.Containers[w.container()].Name
}

// run ends when tbot has, when the pod cannot get further, or in time. An error is trouble of the run's own.
func (w *watch) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		cancel()
		w.leave()
	}()
	deadline := w.Now().Add(w.patience())
	ticker := time.NewTicker(w.every)
	defer ticker.Stop()
	missed := 0
	for {
		done, err := w.step(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if missed++; missed == missedLooks || isVerdict(err) {
				return err
			}
		case done:
			w.rest(ctx)
			return nil
		default:
			missed = 0
		}
		if !w.Now().Before(deadline) {
			w.late(ctx)
			return nil
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case err := <-w.log.following:
			w.followed(err)
		}
	}
}

// step looks at the Job's pod; done says that there is nothing to wait for any more.
func (w *watch) step(ctx context.Context) (done bool, err error) {
	pods, err := w.Kubernetes.JobPods(ctx, w.job)
	if err != nil {
		return false, err
	}
	if len(pods) == 0 {
		if w.pod != nil {
			w.seen.stuck = &Failed{What: Start, Words: "pod " + w.pod.Name + " was removed by somebody else before tbot had ended"}
			return true, nil
		}
		return w.refused(ctx), nil
	}
	w.pod = &pods[0]
	seen := lookAt(w.pod, w.containerName())
	w.seen.passed, w.seen.stuck = seen.passed, w.held(seen.held)
	if seen.held != nil && !seen.final {
		w.tell("pod " + w.pod.Name + " waits: " + seen.held.Words)
	}
	if ended := seen.tbot.Terminated; ended != nil {
		w.seen.stuck, w.seen.oom, w.code = nil, outOfMemory(ended, w.limits()), &ended.ExitCode
		w.follow(ctx)
		return true, nil
	}
	if seen.tbot.Running != nil {
		w.tell("tbot runs in pod " + w.pod.Name + " on node " + w.pod.Spec.NodeName)
		w.follow(ctx)
	}
	return seen.final, nil
}

// refused looks for the policy's words where no pod comes.
func (w *watch) refused(ctx context.Context) (done bool) {
	events, err := w.Kubernetes.Events(ctx, w.job.Namespace)
	if err != nil {
		// Events only add words: whoever may not read them waits for the pod all the same.
		w.tell("no pod yet, and events that say why could not be read: " + err.Error())
		return false
	}
	said := refusal(w.job.Name, events)
	if said == "" {
		return false
	}
	if w.refusedSince.IsZero() {
		w.refusedSince = w.Now()
	}
	w.seen.stuck = &Failed{What: Admission, Words: said}
	return w.Now().Sub(w.refusedSince) >= settleAfter
}

// held keeps the first word about an image beside the later one.
func (w *watch) held(by *Failed) *Failed {
	if by == nil || by.What != Image {
		return by
	}
	if len(by.Words) > len(w.image) {
		w.image = by.Words
	}
	return &Failed{What: Image, Words: w.image}
}

func (w *watch) limits() corev1.ResourceList {
	return w.Deployment.Spec.Template.Spec.Containers[w.container()].Resources.Limits
}

func (w *watch) tell(step string) {
	if step != w.told {
		w.told = step
		w.say(step)
	}
}

// late says why there is no end in time: in the pod's own words, else in those of an event.
func (w *watch) late(ctx context.Context) {
	took := w.patience()
	switch {
	case w.seen.passed == len(steps()):
		w.seen.late = fmt.Sprintf("tbot did not end within %s", took)
	case w.seen.stuck != nil:
	default:
		why := fmt.Sprintf("the pod did not start within %s", took)
		about := w.job.Name
		if w.pod != nil {
			about = w.pod.Name
		}
		// What helps to explain and cannot be had leaves the time to speak for itself.
		if events, err := w.Kubernetes.Events(ctx, w.job.Namespace); err == nil {
			if said := complaint(about, events); said != "" {
				why = said
			}
		}
		w.seen.stuck = &Failed{What: steps()[w.seen.passed], Words: why}
	}
}
