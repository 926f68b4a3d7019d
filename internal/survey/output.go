package survey

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/checks"
)

// output reads a Secret that tbot writes: nil where there is none. Nothing of it leaves here but the names of its keys, its certificate
// and its marks.
func (s *surroundings) output(ctx context.Context, namespace, name string) (*checks.Output, error) {
	secret, err := s.cluster.Secret(ctx, namespace, name)
	if err != nil || secret == nil {
		return nil, err
	}
	annotations := maps.Clone(secret.Annotations)
	// What kubectl apply leaves there is the whole Secret.
	delete(annotations, corev1.LastAppliedConfigAnnotation)
	out := &checks.Output{Keys: slices.Sorted(maps.Keys(secret.Data)), Written: lastWrite(secret), Labels: secret.Labels, Annotations: annotations}
	out.Certificate, out.Problem = certificateOf(secret.Data)
	return out, nil
}

// clusterSecrets lists the Secrets by which an Argo CD in a namespace knows its clusters (teleport-facts 6.5). Nothing of them but their
// names is read.
func (s *surroundings) clusterSecrets(ctx context.Context, namespace string) ([]string, error) {
	found, err := s.cluster.SecretsMetadata(ctx, namespace, "argocd.argoproj.io/secret-type=cluster")
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(found))
	for i := range found {
		names = append(names, found[i].Name)
	}
	return names, nil
}

// tbotManager is the field manager that tbot writes Secrets as (teleport-facts 6.5, 6.6).
const tbotManager = "tbot"

func lastWrite(secret *corev1.Secret) time.Time {
	var last time.Time
	for _, entry := range secret.ManagedFields {
		if entry.Manager == tbotManager && entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}

// certificateOf looks where the outputs keep their certificate (teleport-facts 6.3 to 6.5), the plainest form first.
func certificateOf(data map[string][]byte) (certificate *x509.Certificate, problem string) {
	for _, form := range []struct {
		key  string
		read func([]byte) []byte
	}{
		{"tlscert", plainly},
		{"identity", plainly},
		{"config", ofArgoCD},
		{"kubeconfig.yaml", ofKubeconfig},
		{"tls.crt", plainly},
		{"svid.pem", plainly},
	} {
		value := data[form.key]
		if len(value) == 0 {
			continue
		}
		certificate, problem = parse(form.key, form.read(value))
		if certificate != nil {
			return certificate, ""
		}
	}
	if problem == "" {
		problem = "there is no certificate in it"
	}
	return nil, problem
}

func plainly(value []byte) []byte { return value }

// parse takes the first certificate, which in an identity file stands before those of its authorities. An error of the parser may
// quote what it was given, so the problem names the key alone.
func parse(key string, text []byte) (certificate *x509.Certificate, problem string) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, "the certificate in " + key + " cannot be read"
		}
		return certificate, ""
	}
	return nil, key + " holds no certificate"
}

// ofArgoCD reads a cluster Secret of Argo CD.
func ofArgoCD(value []byte) []byte {
	var config struct {
		TLS struct {
			Certificate []byte `json:"certData"`
		} `json:"tlsClientConfig"`
	}
	if json.Unmarshal(value, &config) != nil {
		return nil
	}
	return config.TLS.Certificate
}

// ofKubeconfig reads a kubeconfig of a kubernetes output; with an exec plugin it holds no certificate.
func ofKubeconfig(value []byte) []byte {
	var config struct {
		Users []struct {
			User struct {
				Certificate string `json:"client-certificate-data"`
			} `json:"user"`
		} `json:"users"`
	}
	if yaml.Unmarshal(value, &config) != nil || len(config.Users) == 0 {
		return nil
	}
	certificate, err := base64.StdEncoding.DecodeString(config.Users[0].User.Certificate)
	if err != nil {
		return nil
	}
	return certificate
}

// mounts are the names of the pods that take a Secret into themselves, sorted; those that have ended are left out.
func (s *surroundings) mounts(ctx context.Context, namespace, secret string) ([]string, error) {
	pods, err := s.cluster.Pods(ctx, namespace, "")
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range pods {
		if isCounted(&pods[i]) && uses(&pods[i].Spec, secret) {
			names = append(names, pods[i].Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// uses tells whether a pod has a Secret as a volume or in its environment.
func uses(pod *corev1.PodSpec, secret string) bool {
	for _, volume := range pod.Volumes {
		if volume.Secret != nil && volume.Secret.SecretName == secret {
			return true
		}
		if volume.Projected != nil && slices.ContainsFunc(volume.Projected.Sources, func(source corev1.VolumeProjection) bool {
			return source.Secret != nil && source.Secret.Name == secret
		}) {
			return true
		}
	}
	return slices.ContainsFunc(slices.Concat(pod.InitContainers, pod.Containers), func(c corev1.Container) bool {
		return slices.ContainsFunc(c.EnvFrom, func(from corev1.EnvFromSource) bool {
			return from.SecretRef != nil && from.SecretRef.Name == secret
		}) || slices.ContainsFunc(c.Env, func(variable corev1.EnvVar) bool {
			return variable.ValueFrom != nil && variable.ValueFrom.SecretKeyRef != nil && variable.ValueFrom.SecretKeyRef.Name == secret
		})
	})
}
