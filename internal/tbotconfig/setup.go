package tbotconfig

import (
	"regexp"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// unfitForSecret is what a label of a DNS name does not hold.
var unfitForSecret = regexp.MustCompile(`[^a-z0-9-]+`)

// For returns the tbot.yaml of a Setup whose names are filled, with the fragment of --tbot-config merged in. The Deployment mounts it and the
// proof of the join runs it, so that both try the same thing. A fragment that JudgeFragment refuses is left out.
func For(s spec.Setup) Config {
	config, problems := merged(s)
	if len(problems) > 0 {
		return Own(s)
	}
	return config
}

// Own is For without a fragment: what the other answers ask for.
func Own(s spec.Setup) Config {
	names := s.Names()
	config := Config{
		Version:     Version,
		Onboarding:  Onboarding{Token: names.Token, JoinMethod: JoinMethodKubernetes},
		Storage:     Memory(), // a kubernetes join starts over at every renewal, so there is no state worth keeping (teleport-facts 2.9)
		ProxyServer: s.Teleport.Proxy,
		// A FIPS image without it would still speak other than FIPS ciphers.
		FIPS: s.Workload.FIPS || s.Resolved != nil && strings.Contains(s.Resolved.Image, "/"+spec.ImageNameFIPS),
	}
	switch s.Access {
	case spec.AccessIdentity:
		config.Outputs = []Output{NewIdentity(Secret(names.OutputSecret))}
	case spec.AccessKubernetes:
		config.Outputs = kubernetesOutputs(s, names.OutputSecret)
	case spec.AccessArgoCD:
		config.Outputs = []Output{argoCDOutput(s)}
	case spec.AccessNone:
	}
	return config
}

// Secrets names the Secrets of the pod's own namespace that the outputs are written to.
func (c Config) Secrets() []string {
	var names []string
	for _, output := range c.Outputs {
		if to, ok := DestinationOf(output); ok && to.Type == DestinationSecret && to.Namespace == "" {
			names = append(names, to.Name)
		}
	}
	return names
}

// KubernetesType is the output that brings Kubernetes access: kubernetes/v2 where tbot and proxy know it, which changes the
// address that a kubeconfig leads to (teleport-facts 6.4), else kubernetes, which knows no labels. What is not known is taken for
// new.
func KubernetesType(s spec.Setup) string {
	if knows(s, TypeKubernetesV2, "") {
		return TypeKubernetesV2
	}
	return TypeKubernetes
}

// knows reports whether server and tbot of a Setup take a key of a type, as far as their versions are known.
func knows(s spec.Setup, kind, key string) bool {
	if s.Resolved == nil {
		return true
	}
	image := s.Resolved.Image
	for _, version := range []string{s.Resolved.ServerVersion, s.Workload.TbotVersion, image[strings.LastIndex(image, ":")+1:]} {
		if known, _ := keyKnownTo(kind, key, version); !known && spec.IsRelease(version) {
			return false
		}
	}
	return true
}

// kubernetesOutputs is one output for all clusters, or with the older type one for each that is named; then each has a Secret of its
// own, for all have the same keys. A tbot that cannot write the namespace into a kubeconfig leaves it to whoever uses it; role and
// binding hold the bot to it all the same.
func kubernetesOutputs(s spec.Setup, secret string) []Output {
	reach := s.Reach
	if KubernetesType(s) == TypeKubernetesV2 {
		namespace := reach.Namespace
		if !knows(s, TypeKubernetesV2, "selectors.default_namespace") {
			namespace = ""
		}
		return []Output{NewKubernetesV2(Secret(secret), selectors(reach, namespace)...)}
	}
	var outputs []Output
	for _, name := range reach.Clusters {
		of := secret
		if len(reach.Clusters) > 1 {
			of += "-" + secretPart(name)
		}
		outputs = append(outputs, NewKubernetes(name, Secret(of)))
	}
	return outputs
}

// selectors are one for each name and one for each set of labels; namespace is that of a kubeconfig's contexts.
func selectors(reach spec.Reach, namespace string) []Selector {
	var all []Selector
	for _, name := range reach.Clusters {
		all = append(all, Selector{Name: name, DefaultNamespace: namespace})
	}
	for _, labels := range reach.Labels {
		all = append(all, Selector{Labels: labels, DefaultNamespace: namespace})
	}
	return all
}

// secretPart makes a cluster's name fit for a Secret's. One that has to be changed for it ends in eight digits of its own, so that no
// two become the same.
func secretPart(cluster string) string {
	const most = 60 // with --name's 45 characters and what stands between, far below the 253 of a Secret
	part := strings.Trim(unfitForSecret.ReplaceAllString(strings.ToLower(cluster), "-"), "-")
	if part == cluster && len(part) <= most {
		return part
	}
	return strings.TrimLeft(strings.TrimRight(part[:min(len(part), most)], "-")+"-"+spec.ClusterID(cluster), "-")
}
