package checks

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/mod/semver"
	corev1 "k8s.io/api/core/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func runImage(ctx context.Context, f *Facts, l *Live) Finding {
	var pods []corev1.Pod
	var proxy Proxy
	var lack *Finding
	if found, lacking := fetched(ctx, f.Proxy, "the Teleport proxy is not known, and so not its version"); lacking != nil {
		lack = lacking
	} else {
		proxy = found
	}
	if found, lacking := fetched(ctx, l.Pods, "this run cannot look at pods"); lacking != nil {
		lack = lacking
	} else {
		pods = found
	}
	finding := judgeImage(l.Workload, proxy, pods)
	if lack != nil && finding.Status != Fail {
		return *lack
	}
	return finding
}

// unpulled are the reasons for which a container waits for its image (Kubernetes: Images, ImagePullBackOff).
func unpulled() []string {
	return []string{"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError"}
}

// judgeImage is P33. An empty proxy is one that was not seen.
func judgeImage(w Workload, proxy Proxy, pods []corev1.Pod) Finding {
	image := w.container().Image
	repository, version := splitImage(image)
	want, wantErr := spec.VersionToRun("", proxy.AgentVersion, proxy.Version)
	finding := Finding{Status: Fail, Observed: "image " + image, Expected: "a release that suits the server" + w.inValues("teleportVersionOverride")}
	if wantErr == nil {
		finding.Expected = repository + ":" + want + w.inValues("teleportVersionOverride")
		finding.Fix = w.kubectl("set", "image", "deployment/"+w.Deployment.Name, w.container().Name+"="+repository+":"+want)
	}
	for i := range pods {
		waiting := w.statusOf(&pods[i]).State.Waiting
		if pods[i].DeletionTimestamp != nil || waiting == nil || !slices.Contains(unpulled(), waiting.Reason) || !w.runs(&pods[i], image) {
			continue
		}
		finding.Observed += " cannot be had: " + strings.TrimSuffix(waiting.Reason+": "+oneLine(waiting.Message), ": ")
		if wantErr == nil && version == want || finding.Fix == "" {
			finding.Expected = "an image that the node may pull"
			finding.Fix = w.kubectl("describe", "pod", pods[i].Name)
		}
		return finding
	}
	tbot, server, least := "v"+strings.TrimPrefix(version, "v"), "v"+proxy.Version, "v"+proxy.MinClientVersion
	published := strings.HasPrefix(repository, spec.DefaultRegistry+"/")
	switch {
	case published && (strings.Contains(version, "-dev") || strings.Contains(version, "-cloud")):
		finding.Observed += ": builds of this kind are not published"
		return finding
	case !semver.IsValid(tbot):
		return skipped("image " + image + " names no version")
	case !semver.IsValid(server):
		return Finding{Status: Unknown, Observed: "the server's version " + spec.Quote(proxy.Version) + " cannot be read"}
	case semver.Compare(semver.Major(tbot), semver.Major(server)) > 0:
		finding.Observed += " is newer than the server, which is " + proxy.Version
		return finding
	case semver.IsValid(least) && semver.Compare(tbot, least) < 0:
		finding.Observed += " is older than " + proxy.MinClientVersion + ", the oldest that the server takes"
		return finding
	}
	return passed("tbot " + version + " for Teleport " + proxy.Version)
}

// runs tells a pod of the Deployment as it is now from one of before.
func (w Workload) runs(pod *corev1.Pod, image string) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == w.container().Name && c.Image == image })
}

// splitImage parts the repository from the tag; a digest is no version.
func splitImage(image string) (repository, tag string) {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		return image[:i], image[i+1:]
	}
	return image, ""
}
