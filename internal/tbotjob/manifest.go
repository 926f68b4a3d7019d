package tbotjob

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// oneshot makes tbot write every output once and end (Teleport's tbot reference, `tbot start`).
const oneshot = "--oneshot"

// The Job of a run that was killed ends and goes by itself, some time after a run that was not has removed its own.
const (
	deadlineAfter = time.Minute
	gone          = 10 * time.Minute
)

// maxName is how long a Job's name may be, so that its pods' labels hold it (Kubernetes: Jobs).
const maxName = 63

func jobName(deployment string) (string, error) {
	suffix := make([]byte, 4)
	if _, err := rand.Read(suffix); err != nil {
		return "", fmt.Errorf("naming the Job: %w", err)
	}
	end := "-verify-" + hex.EncodeToString(suffix)
	return strings.TrimRight(deployment[:min(len(deployment), maxName-len(end))], "-.") + end, nil
}

func serviceAccount(deployment *appsv1.Deployment) string {
	if name := deployment.Spec.Template.Spec.ServiceAccountName; name != "" {
		return name
	}
	return "default"
}

// container is the index of tbot's container; negative where there is none.
func (j Job) container() int {
	return slices.IndexFunc(j.Deployment.Spec.Template.Spec.Containers, func(c corev1.Container) bool {
		return j.Container == "" || c.Name == j.Container
	})
}

// manifest is a Job of the Deployment's template. The pod differs in what a Job asks for (it is not restarted) and in tbot's --oneshot,
// and in nothing that policies, NetworkPolicies or the scheduler look at. Its labels are the Deployment's own, so that a NetworkPolicy
// judges it alike; a ReplicaSet takes no pod that has a controller, as this one has. It is collected with its service account.
func (j Job) manifest(account types.UID) *batchv1.Job {
	template := j.Deployment.Spec.Template.DeepCopy()
	template.Spec.RestartPolicy = corev1.RestartPolicyNever
	tbot := &template.Spec.Containers[j.container()]
	tbot.Args = once(tbot.Args)
	tries, deadline, ttl := int32(0), int64(math.Ceil((j.patience() + deadlineAfter).Seconds())), int32(gone/time.Second)
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: j.Deployment.Namespace, Name: j.Name,
			Labels: map[string]string{spec.LabelManagedBy: spec.ManagedBy, spec.MarkProbe: "true"},
			Annotations: map[string]string{
				spec.MarkInstall: j.Deployment.Annotations[spec.MarkInstall], spec.MarkProbe: j.Now().UTC().Format(time.RFC3339),
			},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "ServiceAccount", Name: serviceAccount(j.Deployment), UID: account}},
		},
		Spec: batchv1.JobSpec{
			Template: *template, BackoffLimit: &tries, ActiveDeadlineSeconds: &deadline, TTLSecondsAfterFinished: &ttl,
		},
	}
}

// once asks for one shot; tbot takes a flag no more than once.
func once(args []string) []string {
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool {
		return arg == oneshot || arg == "--no-oneshot" || strings.HasPrefix(arg, oneshot+"=")
	})
	return append(args, oneshot)
}

// Creates says in words what Run makes and writes, a line each, for somebody to agree to beforehand.
func (j Job) Creates() []string {
	template := j.Deployment.Spec.Template.Spec
	lines := []string{
		fmt.Sprintf("Job %s/%s with one pod of Deployment %s's template, as service account %s; both are removed afterwards",
			j.Deployment.Namespace, j.Name, j.Deployment.Name, serviceAccount(j.Deployment)),
	}
	if at := j.container(); at >= 0 {
		lines = append(lines, "the pod pulls "+template.Containers[at].Image)
	}
	lines = append(lines, "one more login of the bot in Teleport, as an instance of its own")
	if place := j.place(j.Config.Storage); place != "" {
		lines = append(lines, place+" is written: the bot's own state")
	}
	for i, output := range j.Config.Outputs {
		lasting := j.Config.Lifetime(output)
		if argo, ok := output.(*tbotconfig.ArgoCD); ok {
			namespace := argo.SecretNamespace
			if namespace == "" {
				namespace = j.Deployment.Namespace
			}
			lines = append(lines, fmt.Sprintf("Secrets in %s are written for real: Argo CD's clusters, credentials for %s", namespace, lasting))
			continue
		}
		if destination, ok := tbotconfig.DestinationOf(output); ok {
			if place := j.place(destination); place != "" {
				lines = append(lines, fmt.Sprintf("%s is written for real: output %d (%s), credentials for %s", place, i+1, output.Shared().Type, lasting))
			}
		}
	}
	return lines
}

// place names what outlives the pod; empty for memory and for the pod's own directories, which go with it.
func (j Job) place(d tbotconfig.Destination) string {
	if d.Type != tbotconfig.DestinationSecret {
		return ""
	}
	namespace := d.Namespace
	if namespace == "" {
		namespace = j.Deployment.Namespace
	}
	return "Secret " + namespace + "/" + d.Name
}
