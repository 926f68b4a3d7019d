package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
)

// goneAgainAfter is the pause between two looks whether a Job and its pods are gone.
const goneAgainAfter = 250 * time.Millisecond

func (c *Cluster) jobs(namespace string) dynamic.ResourceInterface {
	return c.objects.Resource(batchv1.SchemeGroupVersion.WithResource("jobs")).Namespace(namespace)
}

// CreateJob makes a Job and returns the server's copy, whose selector is the server's own.
func (c *Cluster) CreateJob(ctx context.Context, job *batchv1.Job) (*batchv1.Job, error) {
	object, err := untyped(batchv1.SchemeGroupVersion.WithKind("Job"), job)
	if err != nil {
		return nil, err
	}
	created, err := c.jobs(job.Namespace).Create(ctx, object, metav1.CreateOptions{FieldManager: spec.FieldManager})
	if err != nil {
		return nil, wrap(err, "making Job %s/%s", job.Namespace, job.Name)
	}
	return typed[batchv1.Job](created)
}

// Job reads one; nil where it does not exist.
func (c *Cluster) Job(ctx context.Context, namespace, name string) (*batchv1.Job, error) {
	return readOf[batchv1.Job](ctx, c, batchv1.SchemeGroupVersion.WithResource("jobs"), "Job", namespace, name)
}

// JobPods lists the pods of one very Job, also those of a Job that has been deleted since.
func (c *Cluster) JobPods(ctx context.Context, job *batchv1.Job) ([]corev1.Pod, error) {
	selector := batchv1.JobNameLabel + "=" + job.Name
	if job.UID != "" {
		selector = batchv1.ControllerUidLabel + "=" + string(job.UID)
	}
	return c.Pods(ctx, job.Namespace, selector)
}

// DeleteJob removes that very Job, or, where its UID is not known, the one of its name, and waits until it and its pods are gone, or
// ctx ends: the error then names what is left. A Job that is gone already is no error.
func (c *Cluster) DeleteJob(ctx context.Context, job *batchv1.Job) error {
	propagation := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{PropagationPolicy: &propagation}
	if uid := job.UID; uid != "" {
		options.Preconditions = &metav1.Preconditions{UID: &uid}
	}
	err := wrap(c.jobs(job.Namespace).Delete(ctx, job.Name, options), "deleting Job %s/%s", job.Namespace, job.Name)
	if err != nil && !Is(err, NotFound) {
		return err
	}
	ticker := time.NewTicker(goneAgainAfter)
	defer ticker.Stop()
	for {
		left, err := c.leftOf(ctx, job)
		if err == nil && left == "" {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			if left != "" {
				err = fmt.Errorf("%s is still there", left)
			}
			return errors.Join(wrap(err, "waiting for Job %s/%s to be gone", job.Namespace, job.Name), ctx.Err())
		}
	}
}

// leftOf names the Job or the first of its pods that is still there; empty where nothing is.
func (c *Cluster) leftOf(ctx context.Context, job *batchv1.Job) (string, error) {
	live, err := c.Job(ctx, job.Namespace, job.Name)
	if err != nil {
		return "", err
	}
	if live != nil && (job.UID == "" || live.UID == job.UID) {
		return "Job " + job.Name, nil
	}
	pods, err := c.JobPods(ctx, job)
	if err != nil || len(pods) == 0 {
		return "", err
	}
	return "pod " + pods[0].Name, nil
}
