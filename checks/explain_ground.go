package checks

func explainLocal() []Explanation {
	return []Explanation{{
		ID:    "TBC001",
		Looks: "The Date header of an answer of the API server and of the Teleport proxy, compared with each other and with this machine's clock.",
		Why: "A service account token says in whole seconds from when to when it is valid, by the API server's clock, and Teleport judges it by its own. " +
			"It forgives ten seconds for static_jwks. A skewed pair of clocks refuses every join, or only those just after a token was renewed, which looks like flapping.",
		Shows: []string{"token is not valid yet", "validation failed, token not valid yet (nbf)", "validation failed, token is expired (exp)", "token issued in the future"},
		Mend:  "Let NTP set the clock of the host that is off (`timedatectl set-ntp true`). A kubelet keeps a token of the future, so restart the pod afterwards.",
	}}
}

func explainKubernetes() []Explanation {
	return []Explanation{
		{
			ID:    "TBC101",
			Looks: "One GET of /version by the kubeconfig and context that are in use.",
			Why:   "Nothing of the Kubernetes side can be judged without it. An address that does not answer and a login that is refused are told apart.",
			Shows: []string{"Unable to connect to the server", "You must be logged in to the server (Unauthorized)"},
			Mend:  "Make `kubectl get --raw /version` work with the same kubeconfig and context; log in again where the login has ended.",
		},
		{
			ID:    "TBC102",
			Looks: "The API server's release.",
			Why:   "Teleport takes only tokens that are bound to a pod and live for minutes, and the cluster has to issue those.",
			Mend:  "Upgrade the cluster.",
			Since: "Kubernetes 1.20 projects such tokens, 1.21 publishes the issuer's discovery document.",
		},
		{
			ID:    "TBC103",
			Looks: "Whether the namespace exists.",
			Why:   "Everything in Kubernetes goes into it, and the join token's allow rule names it.",
			Shows: []string{`namespaces "machines" not found`},
			Mend:  "Give `--create-namespace`, or `kubectl create namespace NAME`.",
		},
		{
			ID: "TBC104",
			Looks: "What the API server says of a pod made from the Deployment's template, by a dry run that creates nothing. Its Warning headers count too. Where the dry run is forbidden: the Deployment's conditions, the events, and what the node says of the pod. " +
				"init tries each object that it is to make by a dry run before it writes anything, and meets what judges pods by a pod of the very template that never runs.",
			Why: "Pod Security, quotas and policy engines such as Kyverno or Gatekeeper judge pods, not Deployments: a Deployment is taken with at most a warning and then gets no pod. " +
				"The guide's manifests and the chart's defaults have no securityContext.",
			Shows: []string{`violates PodSecurity "restricted:latest"`, "container has runAsNonRoot and image will run as root", "exceeded quota", "admission webhook", "error looking up service account"},
			Mend: "Give the pod what the policy asks for. For Pod Security level restricted: runAsNonRoot with a uid, seccompProfile RuntimeDefault, all capabilities dropped, " +
				"no privilege escalation, as `tbotctl render` writes it. Labels, annotations, images, resources and the uid have flags of their own; `--patch` reaches the rest.",
		},
		{
			ID:    "TBC105",
			Looks: "The egress rules of every NetworkPolicy that selects tbot's pods: whether DNS, the Teleport proxy and the API server are let out.",
			Why:   "Where one policy restricts egress, all that no policy names is dropped without a word, and tbot waits for a time-out.",
			Shows: []string{"i/o timeout", "context deadline exceeded", "dial tcp: lookup"},
			Mend:  "Add an egress policy for port 53, for the proxy's port and for the API server's. Policies add up, so one more is enough. It is a warning alone where tbot has renewed its credentials all the same: not every network plugin enforces policies.",
		},
		{
			ID:    "TBC106",
			Looks: "For `--access argocd`: which namespace holds Argo CD's ConfigMap argocd-cm, of all that this login may list, or whether the one of `--argocd-namespace` does.",
			Why:   "Argo CD reads the cluster Secrets of its own namespace and of no other. tbot writes wherever it is told to and is healthy, and Argo CD shows no cluster.",
			Mend:  "Give `--argocd-namespace`, and the `--context` of the cluster that Argo CD runs in: the clusters that it deploys to are another thing.",
		},
	}
}

func explainIssuer() []Explanation {
	return []Explanation{
		{
			ID:    "TBC201",
			Looks: "The issuer by the API server's own discovery document, else by the `iss` claim of a token.",
			Why:   "The issuer is the name by which Teleport finds the keys of the cluster. It counts byte for byte: a slash at the end makes another issuer.",
			Mend:  "Where the document is forbidden, `tbotctl` reads a token in its place; see TBC206 for the right.",
		},
		{
			ID:    "TBC202",
			Looks: "The key id in the header of a token that was just issued, in the keys of the API server and of the issuer.",
			Why:   "On some providers the two publish different keys, and during a rotation one is ahead. Teleport accepts a token only by the key that signed it.",
			Shows: []string{"JWK with matching kid not found in JWK Set", "go-jose/go-jose: unsupported key type/format"},
			Mend:  "Wait for the rotation to end; for static_jwks write the keys of the issuer that signs, not those of another one.", Problems: []string{"P03"},
		},
		{
			ID:    "TBC203",
			Looks: "The issuer's discovery document and keys as anybody on the internet reads them: without credentials and with public authorities alone.",
			Why:   "The join type oidc needs an issuer that Teleport's Auth Service can read. To be private is no fault; it leaves static_jwks.",
			Mend:  "Nothing is to be mended. What is reached from here need not be reached from Teleport, and the other way round.", Problems: []string{"P11", "P15"},
		},
		{
			ID:    "TBC204",
			Looks: "Issuer, server version and what was asked for, brought to one join type with its reason.",
			Why:   "oidc keeps no copy of keys and survives their rotation; static_jwks works everywhere and ends with the next rotation; in_cluster works only where the Auth Service runs in the same cluster.",
			Mend:  "Choose by `--join-type`; on providers that rotate their keys static_jwks also wants `--accept-rotation-risk`.",
			Since: "oidc: Teleport 17.7.0, 18.1.5 and 19. static_jwks: 14, and patches of 12 and 13.", Problems: []string{"P04"},
		},
		{
			ID:    "TBC205",
			Looks: "For a join token of type oidc: whether its issuer answers callers without credentials, over https, with a certificate of a public authority, and with a document that names itself. What Teleport said of the last join counts for more than what is seen from here.",
			Why:   "The Auth Service reads it like any stranger, at each join whose cache has ended: one hour for the document. kubeadm, kind, k3s and RKE2 name https://kubernetes.default.svc by default, which nobody outside can resolve.",
			Shows: []string{
				"reviewing kubernetes token with oidc", "discovering oidc document", "certificate signed by unknown authority", "status not ok: 401", "status not ok: 403", "no such host",
			},
			Mend: "Publish the issuer, or change the join token to static_jwks. Behind a private authority: add it to the Auth Service's trust store where that is yours. Where anonymous callers are turned away: " +
				"`kubectl create clusterrolebinding public-issuer-discovery --clusterrole=system:service-account-issuer-discovery --group=system:unauthenticated`, which makes the document and the public keys readable by everybody.",
			Since: "oidc: Teleport 17.7.0, 18.1.5 and 19.",
		},
		{
			ID:    "TBC206",
			Looks: "Whether the API server lets this login read /.well-known/openid-configuration and /openid/v1/jwks.",
			Why:   "A 403 there is a missing right of the person who looks, and is often read as a cluster that has no issuer (404). tbot itself does not need it, so this is a warning.",
			Shows: []string{`cannot get path "/.well-known/openid-configuration"`},
			Mend:  "Bind ClusterRole system:service-account-issuer-discovery to the login. Without it a token of the cluster names the issuer too.",
		},
	}
}
