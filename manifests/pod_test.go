package manifests_test

import (
	"maps"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	psa "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// Kubernetes' own evaluator judges the pod, as the admission plugin does.
func TestPodPassesTheRestrictedStandard(t *testing.T) {
	t.Parallel()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := psa.LevelVersion{Level: psa.LevelRestricted, Version: psa.LatestVersion()}
	withCA := full()
	withCA.Teleport.ProxyCA = authority(t)
	onOpenShift := sample(spec.JoinOIDC, spec.AccessIdentity)
	onOpenShift.Resolved.Platform = spec.PlatformOpenShift
	for name, setup := range map[string]spec.Setup{
		"identity":    sample(spec.JoinOIDC, spec.AccessIdentity),
		"none":        sample(spec.JoinInCluster, spec.AccessNone),
		"all answers": withCA,
		"OpenShift":   onOpenShift,
	} {
		deployment, err := render(t, setup).Deployment()
		if err != nil {
			t.Fatal(err)
		}
		template := deployment.Spec.Template
		if result := policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec)); !result.Allowed {
			t.Errorf("%s: violates restricted: %s", name, result.ForbiddenDetail())
		}
		// The same evaluator has to see a breach, or the test above says nothing.
		template.Spec.Containers[0].SecurityContext.Capabilities = nil
		if policy.AggregateCheckResults(evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec)).Allowed {
			t.Errorf("%s: the evaluator accepts a pod that keeps its capabilities", name)
		}
	}
}

func TestPodTakesTheDefaultTokenOnlyToWriteASecret(t *testing.T) {
	t.Parallel()
	for access, want := range map[spec.Access]bool{spec.AccessIdentity: true, spec.AccessNone: false} {
		podSpec, _ := pod(t, render(t, sample(spec.JoinOIDC, access)))
		if *podSpec.AutomountServiceAccountToken != want {
			t.Errorf("access %s: automountServiceAccountToken = %v", access, !want)
		}
	}
}

func TestProxyCAIsMountedAndTrusted(t *testing.T) {
	t.Parallel()
	setup := sample(spec.JoinOIDC, spec.AccessIdentity)
	podSpec, _ := pod(t, render(t, setup))
	if _, found := env(podSpec, "SSL_CERT_FILE"); found {
		t.Error("SSL_CERT_FILE is set without a CA")
	}
	// Line ends of Windows and a missing one at the end come back unchanged too.
	plain := authority(t)
	for _, ca := range []string{plain, "Example CA\r\n" + plain, strings.TrimSuffix(plain, "\n"), "\n" + plain + "\n\n"} {
		setup.Teleport.ProxyCA = ca
		set := render(t, setup)
		var object corev1.ConfigMap
		strictly(t, resource(t, set, "ConfigMap"), &object)
		if object.Data["proxy-ca.pem"] != ca {
			t.Errorf("the ConfigMap holds another CA:\n%q\n%q", object.Data["proxy-ca.pem"], ca)
		}
		podSpec, _ := pod(t, set)
		if variable, _ := env(podSpec, "SSL_CERT_FILE"); variable.Value != "/config/proxy-ca.pem" {
			t.Errorf("SSL_CERT_FILE = %q", variable.Value)
		}
	}
}

func TestSelectorHoldsNothingThatCanChange(t *testing.T) {
	t.Parallel()
	deployment, err := render(t, full()).Deployment()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"app.kubernetes.io/name": "tbot", "app.kubernetes.io/instance": "ci"}
	if got := deployment.Spec.Selector.MatchLabels; !maps.Equal(got, want) {
		t.Errorf("selector = %v, want %v", got, want)
	}
}

func TestChecksumFollowsTheConfigurationAlone(t *testing.T) {
	t.Parallel()
	sum := func(s spec.Setup) string {
		deployment, err := render(t, s).Deployment()
		if err != nil {
			t.Fatal(err)
		}
		return deployment.Spec.Template.Annotations[spec.MarkChecksum]
	}
	base := full()
	relabelled, moved, trusting := full(), full(), full()
	relabelled.Workload.Labels = map[string]string{"team": "other"}
	moved.Teleport.Proxy = "other.example.com:443"
	trusting.Teleport.ProxyCA = authority(t)
	if sum(base) != sum(relabelled) {
		t.Error("a label changes the checksum")
	}
	if sum(base) == sum(moved) || sum(base) == sum(trusting) {
		t.Error("a changed configuration keeps the checksum")
	}
}

func TestMarksAreOnEveryObject(t *testing.T) {
	t.Parallel()
	set := render(t, full())
	id := "1a2b3c4d/main.example.com/machines/ci"
	for _, r := range set {
		switch {
		case r.Bot != nil:
			if got := r.Bot.GetMetadata().GetLabels(); got[spec.MarkInstall] != id {
				t.Errorf("%s: labels = %v", r.ID(), got)
			}
		case r.Token != nil:
			if got := r.Token.GetMetadata().Labels; got[spec.MarkInstall] != id {
				t.Errorf("%s: labels = %v", r.ID(), got)
			}
		default:
			labels, annotations := r.Object.GetLabels(), r.Object.GetAnnotations()
			if labels[spec.LabelManagedBy] != "tbotctl" || labels[spec.LabelInstance] != "ci" || labels["team"] != "platform" || annotations[spec.MarkInstall] != id || annotations["example.com/contact"] == "" {
				t.Errorf("%s: labels = %v, annotations = %v", r.ID(), labels, annotations)
			}
		}
	}
	deployment, err := set.Deployment()
	if err != nil {
		t.Fatal(err)
	}
	template := deployment.Spec.Template
	if template.Labels[spec.LabelManagedBy] != "tbotctl" || template.Labels["team"] != "platform" || template.Annotations["example.com/contact"] == "" {
		t.Errorf("pod labels = %v, annotations = %v", template.Labels, template.Annotations)
	}
	if _, found := template.Annotations[spec.MarkInstall]; found {
		t.Error("the pod template carries the install mark, which only makes new pods when it changes")
	}
}

// On OpenShift nothing fixes uid, gid or fsGroup, in tbot's pod and in the examples; an answer wins over what was found.
func TestOpenShiftAssignsTheUser(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		asked, found spec.Platform
		assigned     bool
	}{
		"found":                   {spec.PlatformAuto, spec.PlatformOpenShift, true},
		"asked for":               {spec.PlatformOpenShift, "", true},
		"asked for and not found": {spec.PlatformOpenShift, spec.PlatformKubernetes, true},
		"found and not wanted":    {spec.PlatformKubernetes, spec.PlatformOpenShift, false},
		"not found":               {spec.PlatformAuto, spec.PlatformKubernetes, false},
		"nobody looked":           {spec.PlatformAuto, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setup := sample(spec.JoinOIDC, spec.AccessIdentity)
			setup.Workload.Platform, setup.Resolved.Platform = row.asked, row.found
			example, err := manifests.Example(setup, manifests.ExamplePod)
			if err != nil {
				t.Fatal(err)
			}
			podSpec, _ := pod(t, render(t, setup))
			if fixed := podSpec.SecurityContext.RunAsUser != nil || podSpec.SecurityContext.RunAsGroup != nil || podSpec.SecurityContext.FSGroup != nil; fixed == row.assigned {
				t.Errorf("security context %+v", podSpec.SecurityContext)
			}
			if strings.Contains(string(example), "runAsUser") == row.assigned {
				t.Errorf("the example:\n%s", example)
			}
		})
	}
}
