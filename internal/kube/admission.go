package kube

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/tbotctl/tbotctl/internal/spec"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// Admit asks the API server to judge a pod without making it (dry run). Refused is the word of who would not let it in: Pod Security,
// a quota, a policy, a webhook; empty where it would be made. Warnings are what the server said beside (Warning headers, RFC 7234
// section 5.5), each once. An error means that nobody judged: the login may not make pods, or a webhook takes no dry run.
func (c *Cluster) Admit(ctx context.Context, pod *corev1.Pod) (refused string, warnings []string, err error) {
	object, err := untyped(corev1.SchemeGroupVersion.WithKind("Pod"), pod)
	if err != nil {
		return "", nil, err
	}
	ctx, heard := hearing(ctx)
	_, err = c.objects.Resource(corev1.SchemeGroupVersion.WithResource("pods")).Namespace(pod.Namespace).
		Create(ctx, object, metav1.CreateOptions{FieldManager: spec.FieldManager, DryRun: []string{metav1.DryRunAll}})
	if err = wrap(err, "trying a pod of %s", pod.Namespace); isRefusal(err) {
		var status apierrors.APIStatus
		if errors.As(err, &status) {
			return status.Status().Message, heard.all(), nil
		}
	}
	return "", heard.all(), err
}

// isRefusal tells a no to the pod from a request that was not judged.
func isRefusal(err error) bool {
	if err == nil || strings.Contains(err.Error(), "does not support dry run") {
		return false
	}
	var status apierrors.APIStatus
	invalid := errors.As(err, &status) && status.Status().Code == http.StatusUnprocessableEntity
	return Is(err, Refused) || invalid
}

// hearingKey is where a context carries who hears the warnings of its requests.
type hearingKey struct{}

// warnings collects the Warning headers of requests.
type warnings struct {
	lock sync.Mutex
	text []string
}

func hearing(ctx context.Context) (context.Context, *warnings) {
	w := &warnings{}
	return context.WithValue(ctx, hearingKey{}, w), w
}

func (w *warnings) all() []string {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.text
}

// warned hands warnings to whoever hears them in the request's context, and to nobody else.
type warned struct{}

var _ rest.WarningHandlerWithContext = warned{}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext. The code is always 299.
func (warned) HandleWarningHeaderWithContext(ctx context.Context, _ int, _, text string) {
	w, ok := ctx.Value(hearingKey{}).(*warnings)
	if !ok || text == "" {
		return
	}
	w.lock.Lock()
	defer w.lock.Unlock()
	for _, known := range w.text {
		if known == text {
			return
		}
	}
	w.text = append(w.text, text)
}
