package survey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// configure reads the tbot.yaml of a workload.
func configure(ctx context.Context, cluster Kubernetes, w *checks.Workload) {
	namespace, pod := w.Deployment.Namespace, w.Deployment.Spec.Template.Spec
	candidates, err := locate(pod, pod.Containers[w.Container])
	if err != nil {
		w.ConfigErr = err
		return
	}
	for _, at := range candidates {
		w.ConfigMap, w.Key = at.configMap, at.key
		held, err := readMap(ctx, cluster, namespace, at)
		if err != nil {
			w.ConfigErr = err
			return
		}
		if text, found := keyOf(held, at.key); found {
			w.Text, w.ConfigErr = text, nil
			w.Beside, w.Changed = maps.Clone(held.Data), lastChange(held.ManagedFields)
			delete(w.Beside, at.key)
			w.Config, w.Problem = tbotconfig.Inspect([]byte(text))
			return
		}
		w.ConfigErr = fmt.Errorf("ConfigMap %s/%s has no key %q, so that the file %s is not there", namespace, at.configMap, at.key, configPath(pod.Containers[w.Container]))
	}
}

var errNoConfigMap = errors.New("it does not exist")

func readMap(ctx context.Context, cluster Kubernetes, namespace string, at place) (*corev1.ConfigMap, error) {
	held, err := cluster.ConfigMap(ctx, namespace, at.configMap)
	if err == nil && held == nil {
		err = fmt.Errorf("ConfigMap %s/%s, which the pods mount: %w", namespace, at.configMap, errNoConfigMap)
	}
	return held, err
}

func keyOf(held *corev1.ConfigMap, key string) (text string, found bool) {
	if text, found = held.Data[key]; found {
		return text, true
	}
	binary, found := held.BinaryData[key]
	return string(binary), found
}

// lastChange is when an object was written last, by its managed fields; zero where they do not tell.
func lastChange(entries []metav1.ManagedFieldsEntry) time.Time {
	var last time.Time
	for _, entry := range entries {
		if entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}

// configPath is the file that tbot is started with; empty where it is none.
func configPath(c corev1.Container) string {
	if given := flag(c, "config", "c"); given != "" {
		return given
	}
	return environment(c, "TBOT_CONFIG_PATH")
}

// place is where a file stands.
type place struct{ configMap, key string }

// locate finds what the file of tbot's command line is mounted from: the ConfigMaps that may hold it, in the order to look, for a
// projected volume may have several.
func locate(pod corev1.PodSpec, c corev1.Container) ([]place, error) {
	file := configPath(c)
	switch {
	case file != "":
	case flag(c, "config-string", "") != "" || environment(c, "TBOT_CONFIG") != "":
		return nil, errors.New("tbot.yaml is given in the command line or the environment itself (--config-string, TBOT_CONFIG), which is not read")
	default:
		return nil, errors.New("tbot is started without a configuration file (--config, -c)")
	}
	if !path.IsAbs(file) {
		file = path.Join("/", c.WorkingDir, file)
	}
	mount, below, err := mountOf(c, path.Clean(file))
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == mount })
	if i < 0 {
		return nil, fmt.Errorf("%s is mounted from the volume %q, which the pod does not have", file, mount)
	}
	places := placesIn(pod.Volumes[i], below)
	if len(places) == 0 {
		return nil, fmt.Errorf("%s comes from the volume %q, which holds no ConfigMap with that file", file, mount)
	}
	return places, nil
}

// mountOf finds the volume that a file is in, and the file's path below the volume's root.
func mountOf(c corev1.Container, file string) (volume, below string, err error) {
	longest := -1
	for i, mount := range c.VolumeMounts {
		at := path.Clean(mount.MountPath)
		inside := at == file || at == "/" || strings.HasPrefix(file, at+"/")
		if inside && (longest < 0 || len(at) > len(path.Clean(c.VolumeMounts[longest].MountPath))) {
			longest = i
		}
	}
	if longest < 0 {
		return "", "", fmt.Errorf("%s is mounted from nowhere: no volumeMount of container %s covers it", file, c.Name)
	}
	mount := c.VolumeMounts[longest]
	if mount.SubPathExpr != "" {
		return "", "", fmt.Errorf("%s is mounted by subPathExpr %q, which only the kubelet can resolve", file, mount.SubPathExpr)
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(file, path.Clean(mount.MountPath)), "/")
	return mount.Name, path.Join(mount.SubPath, rest), nil
}

// placesIn gives the ConfigMaps of a volume in which a file may be. In a projected volume a later source wins over an earlier one
// (Kubernetes: Projected Volumes), hence the order.
func placesIn(volume corev1.Volume, file string) []place {
	var places []place
	add := func(name string, items []corev1.KeyToPath) {
		if len(items) == 0 {
			places = append(places, place{name, file})
		}
		for _, item := range items {
			if path.Clean(item.Path) == file {
				places = append(places, place{name, item.Key})
			}
		}
	}
	if volume.ConfigMap != nil {
		add(volume.ConfigMap.Name, volume.ConfigMap.Items)
	}
	if volume.Projected != nil {
		for _, source := range slices.Backward(volume.Projected.Sources) {
			if source.ConfigMap != nil {
				add(source.ConfigMap.Name, source.ConfigMap.Items)
			}
		}
	}
	return places
}
