package tbotconfig

// gate is one type or key that not every tbot has.
type gate struct {
	// kind is the type of an output, anyKind for each of them, or topLevel for the keys outside of them.
	kind string
	// key is the path below it without the numbers of lists; empty is the type itself.
	key string
	span
	// instead is what to write where a tbot does not have it; empty where there is nothing.
	instead string
	// source is where the releases come from. "changelog" is Teleport's CHANGELOG.md of the branch with the pull request.
	source string
}

// What gates are about besides one type.
const (
	topLevel = ""
	anyKind  = "*"
)

// underServices is the key, made up, of an output that stands under `services`.
const underServices = "(under services)"

func since(releases ...string) span { return span{since: releases} }

func about(releases ...string) span { return span{since: releases, about: true} }

// first19 sorts before every release of 19, its pre-releases too.
const first19 = "v19.0.0-0"

func before19(s span) span {
	s.gone = first19
	return s
}

// gates is all that is known of when tbot learned a type or a key, and when it lost it. What is not here is taken for as old as the
// configuration's version v2, or its age is not known. A destination's keys count for storage too.
func gates() []gate {
	all := []gate{
		{topLevel, "proxy_server", about("v14.3.8", "v15.1.5", "v16.0.0"), "auth_server", "teleport-facts 6.1, #38727"},
		{topLevel, "credential_ttl", since("v17.2.8"), "certificate_ttl", "changelog 17.2.8, #52185"},
		{topLevel, "join_uri", about("v18.3.0"), "proxy_server and onboarding", "#64626 shows it in 18"},
		{topLevel, "leeway", about("v18.7.3"), "", "#64626"},
		{topLevel, "onboarding.kubernetes", about("v18.7.3"), "the variable KUBERNETES_TOKEN_PATH", "teleport-facts 2.1, #64766"},
		{topLevel, "onboarding.bound_keypair", since("v17.7.5", "v18.1.0"), "", "changelog 17.7.5, #58334; changelog 18.1.0"},
		{topLevel, "onboarding.generic_oidc", about("v18.8.0", first19), "", "lib/tbot/bot/onboarding/config.go of 2026"},

		{anyKind, "name", since("v17.5.4", "v18.0.2"), "", "changelog 17.5.4, #56306; changelog 18.0.2, #56719"},
		{anyKind, "credential_ttl", since("v17.2.8"), "certificate_ttl at the top", "changelog 17.2.8, #52185"},
		{anyKind, "renewal_interval", since("v17.2.8"), "renewal_interval at the top", "changelog 17.2.8, #52185"},
		{anyKind, "roles", before19(span{}), "a bot of its own for each set of roles", "teleport-facts 6.1, 9; Teleport's v19 upgrade guide"},
		{anyKind, "delegation_session_id", about("v18.8.0", first19), "", "lib/tbot/services of 2026"},

		{anyKind, "destination.labels", about("v14.3.17", "v15.3.0", "v16.0.0"), "", "#40211, #40550, #40551 of April 2024"},
		{anyKind, "destination.namespace", since("v17.7.3", "v18.1.7"), "POD_NAMESPACE", "changelog 17.7.3, #58553; changelog 18.1.7, #58203"},
		{anyKind, "destination.kubeconfig_path", about("v18.6.5"), "the variable KUBECONFIG", "#63037 of January 2026"},
		{anyKind, "destination.kubeconfig_context", about("v18.6.5"), "the variable KUBECONFIG", "#63037 of January 2026"},
		{anyKind, "destination.readers", about("v16.4.7", "v17.0.0"), "tbot init", "#47841 of October 2024"},
	}
	all = append(all, kubernetesGates()...)
	all = append(all, otherGates()...)
	// What 16.0.0-dev has as an output could stand under `outputs` alone, until both became one list.
	for _, old := range []string{TypeIdentity, TypeKubernetes, TypeApplication, TypeDatabase, TypeSSHHost, TypeClientCredential} {
		all = append(all, gate{old, underServices, about("v16.1.0", "v17.0.0"), "outputs", "teleport-facts 6.1, #43685"})
	}
	return all
}

func kubernetesGates() []gate {
	return []gate{
		{TypeKubernetes, "disable_exec_plugin", about("v14.3.14", "v15.2.1", "v16.0.0"), "", "teleport-facts 9, #40114"},
		{TypeKubernetesV2, "", since("v17.2.7"), TypeKubernetes, "changelog 17.2.7, #51535"},
		{TypeKubernetesV2, "selectors.default_namespace", since("v17.7.4", "v18.2.0"), "", "changelog 17.7.4, #58791; changelog 18.2.0, #58494"},
		{TypeKubernetesV2, "context_name_template", since("v17.7.8", "v18.2.4"), "", "changelog 17.7.8, #59740; changelog 18.2.4, #59739"},
		{TypeKubernetesV2, "relay_server", since("v18.5.0"), "", "teleport-facts 6.3, #61775"},
		{TypeArgoCD, "", since("v17.7.4", "v18.1.7"), "", "changelog 17.7.4, #58567; changelog 18.1.7, #58200"},
		{TypeArgoCD, "cluster_name_template", since("v17.7.8", "v18.2.3"), "", "changelog 17.7.8, #59576; changelog 18.2.3, #59575"},
	}
}

func otherGates() []gate {
	const workload = "changelog 17.2.7, #51288; carried back into 16 by #51059 and #51167"
	return []gate{
		{TypeIdentity, "allow_reissue", since("v17.2.8"), "", "changelog 17.2.8, #52116"},
		{TypeApplicationTunnel, "", about("v16.1.0"), "", "#44443 of July 2024"},
		{TypeApplicationProxy, "", since("v17.7.7", "v18.2.3"), TypeApplicationTunnel, "changelog 17.7.7, #59588; changelog 18.2.3, #59587"},
		{TypeDatabaseTunnel, "", about("v14.3.14", "v15.2.1", "v16.0.0"), "", "#40151, #40160 of April 2024"},
		{TypeSSHMultiplexer, "", about("v15.4.1", "v16.0.1"), TypeIdentity, "#42851, #42852 of June 2024"},
		{TypeSSHMultiplexer, "relay_server", since("v18.3.0"), "", "Teleport's configuration reference"},
		{TypeWorkloadX509, "", about("v16.4.14", "v17.2.7"), TypeSPIFFESVID, workload},
		{TypeWorkloadJWT, "", about("v16.4.14", "v17.2.7"), TypeSPIFFESVID, workload},
		{TypeWorkloadAPI, "", about("v16.4.14", "v17.2.7"), TypeSPIFFEWorkloadAPI, workload},
		{TypeWorkloadX509, "trust_domains", about("v18.8.0", first19), "", "lib/tbot/services/workloadidentity of 2026"},
		{TypeWorkloadAPI, "trust_domains", about("v18.8.0", first19), "", "lib/tbot/services/workloadidentity of 2026"},
		{TypeWorkloadAPI, "attestors.sigstore", since("v17.5.1"), "", "changelog 17.5.1"},
		{TypeWorkloadAWS, "", about("v17.4.0"), TypeWorkloadX509, "#53408 of March 2025"},
		{TypeSPIFFESVID, "", before19(about("v15.1.0")), TypeWorkloadX509, "#38619 of February 2024; gone by #57541"},
		{TypeSPIFFEWorkloadAPI, "", before19(about("v15.1.0")), TypeWorkloadAPI, "#38619 of February 2024; gone by #57541"},
	}
}

// KnownTo tells whether a tbot of a release, X.Y.Z, takes outputs of a type, and which releases do: "17.7.4, 18.1.7 and newer". A type
// that no tbot has is not known to any. Where the release is too close to one that is known by its date alone, it is taken for known.
func KnownTo(kind, version string) (known bool, releases string) {
	return keyKnownTo(kind, "", version)
}

// keyKnownTo is KnownTo for a key of a type; an empty one is the type itself.
func keyKnownTo(kind, key, version string) (known bool, releases string) {
	release := canonical(version)
	if _, exists := kinds()[kind]; !exists || release == "" {
		return false, "no release"
	}
	for _, g := range gates() {
		if g.kind != kind || g.key != key {
			continue
		}
		switch g.of(release) {
		case notYet:
			return false, g.first()
		case noLonger:
			return false, "before " + bare(g.gone)
		case has, perhaps:
		}
	}
	return true, ""
}
