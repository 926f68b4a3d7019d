package checks

func explainWorkload() []Explanation {
	return []Explanation{
		{
			ID:    "TBC501",
			Looks: "After init has applied: whether the Deployment's new pod becomes ready, with the reason where it does not.",
			Why:   "Until then nothing joins. The pod's own reasons (image, policy, crash) say more than the Deployment's.",
			Shows: []string{"ImagePullBackOff", "CrashLoopBackOff", "FailedCreate"},
			Mend:  "Follow the reason; `tbotctl doctor` looks further.", Problems: []string{"P33", "P38"},
		},
		{
			ID:    "TBC502",
			Looks: "Every Deployment whose image or command line is tbot's, by whomever it was made.",
			Why:   "All further checks are about it.",
			Mend:  "Install one by `tbotctl init`, or look elsewhere by `--namespace` and `--context`.",
		},
		{
			ID:    "TBC503",
			Looks: "The ConfigMap that the pod mounts, and in it tbot.yaml, read as strictly as tbot reads it.",
			Why:   "tbot refuses a file with one unknown key, and ends.",
			Shows: []string{"failed parsing config file", "field outputz not found in type"},
			Mend:  "Put the line that is named in order (`kubectl edit configmap`), then restart the Deployment.",
			Since: "proxy_server: 14, 15 and 16.0 of March 2024 and on. `services` and `outputs` are one list since 16.1 and 17. An output may name its namespace since patches of 17 and 18 of August 2025.",
		},
		{
			ID:    "TBC504",
			Looks: "audience of the projected service account token in the pod template, compared with the Teleport cluster's name.",
			Why: "A token is meant for one audience, and Teleport takes only those that are meant for its own name. The proxy's address is not it, least of all with a port. " +
				"Without an audience the token is meant for the API server.",
			Shows: []string{"validating jwt claims", "validation failed, invalid audience claim (aud)", "is invalid for the target audiences"},
			Mend:  "Set the audience to cluster_name of https://PROXY/webapi/find.",
		},
		{
			ID:    "TBC505",
			Looks: "expirationSeconds of the projected token.",
			Why:   "Teleport refuses tokens that live longer than 30 minutes, Kubernetes gives none that live shorter than ten. The token that every pod has anyway may live a year.",
			Shows: []string{"requires the use of a service account token with a TTL of less than 30m0s"},
			Mend:  "Set expirationSeconds to 600; the kubelet renews the file in time.",
		},
		{
			ID:    "TBC506",
			Looks: "KUBERNETES_TOKEN_PATH, the path at which the projected volume is mounted, and the path of the token in it: the three have to name one file.",
			Why:   "Where they differ, tbot presents the pod's ordinary token, which is meant for the API server, or one of a Secret, which is bound to no pod.",
			Shows: []string{
				"static_jwks joining requires the use of projected pod bound service account token", "oidc joining requires the use of a projected pod bound service account token",
				"legacy SA tokens are not accepted as kubernetes version", "no such file or directory",
			},
			Mend:  "Set KUBERNETES_TOKEN_PATH to mountPath and path joined.",
			Since: "tbots of March 2026 and on also know onboarding.kubernetes.token_path.",
		},
		{
			ID:    "TBC507",
			Looks: "POD_NAMESPACE of the container, where an output or the storage is a Secret without a namespace.",
			Why:   "tbot asks nobody where it runs, and ends at the start.",
			Shows: []string{"unable to detect namespace from POD_NAMESPACE environment variable"},
			Mend:  "Give the container POD_NAMESPACE from the field metadata.namespace.",
			Since: "Patches of 17 and 18 of August 2025 and on take a namespace in the destination instead.",
		},
		{
			ID:    "TBC508",
			Looks: "The tag of the image, compared with server_version and min_client_version, and whether the cluster could pull it.",
			Why:   "Teleport closes the connection of a client that is more than one major version behind, and the client often sees only the end of the connection. Development tags, as the guides have them, were never published.",
			Shows: []string{"client version is unsupported, minimum supported version is", "rejected-unsupported-connection", "ImagePullBackOff", "ErrImagePull", "manifest unknown"},
			Mend:  "Run the version that the cluster names: auto_update.agent_version of /webapi/find, else server_version.",
		},
		{
			ID:    "TBC509",
			Looks: "replicas, the rollout strategy, and other Deployments that write the same Secret.",
			Why:   "A Secret has no lock: two tbots overwrite each other's credentials and, with a shared state, present certificates of the wrong generation.",
			Shows: []string{"renewable cert generation mismatch: stored=3, presented=2", "Operation cannot be fulfilled on secrets"},
			Mend:  "One replica, strategy Recreate, one Deployment a Secret.",
		},
		{
			ID:    "TBC510",
			Looks: "Liveness and readiness probes, and the diagnostics address that they would ask.",
			Why:   "Without a probe a pod is called ready although no output was ever written.",
			Mend:  "Start tbot with `--diag-addr 0.0.0.0:3001`, probe /livez for liveness and /readyz for readiness.",
			Since: "/readyz tells the truth from 17.5 and 18.0 on; before that it is always 200 OK.",
		},
		{
			ID:    "TBC511",
			Looks: "When the ConfigMap was last changed and when tbot's container started; where that is not known, the checksum of tbot.yaml that tbotctl leaves in the pod template.",
			Why:   "tbot reads its file at the start. An edited ConfigMap changes nothing until the pod is replaced.",
			Mend:  "`kubectl rollout restart deployment NAME`; an annotation with the checksum of tbot.yaml in the pod template does that at each change.",
		},
		{
			ID:    "TBC512",
			Looks: "proxy_server of tbot.yaml: a host and a port, without a scheme.",
			Why:   "Without a port tbot takes 3080, where hardly a proxy listens. With https:// in front the address cannot be read.",
			Shows: []string{"set proxy_server to example.teleport.sh:443", "too many colons in address", "i/o timeout"},
			Mend:  "Write HOST:PORT, mostly port 443.",
		},
		{
			ID:    "TBC513",
			Looks: "HTTPS_PROXY and NO_PROXY of the container, against the API server's address.",
			Why:   "tbot then sends what is meant for the API server through the proxy as well, where an output is a Secret, and that address exists only inside of the cluster.",
			Shows: []string{"proxyconnect tcp", "Bad Gateway", "dial tcp"},
			Mend:  "Add the API server to NO_PROXY: kubernetes.default.svc, .svc and the address in KUBERNETES_SERVICE_HOST.",
		},
		{
			ID:    "TBC514",
			Looks: "Phase, readiness, restarts and waiting reasons of the pods, with the newest events.",
			Why:   "It shows that something is wrong; what it is stands in the checks that fail beside it.",
			Shows: []string{"CrashLoopBackOff", "ImagePullBackOff", "CreateContainerConfigError", "FailedCreate", "FailedMount"},
			Mend:  "Mend the cause; the kubelet tries again by itself, within five minutes.",
		},
		{
			ID:    "TBC515",
			Looks: "With `verify --evidence` alone: tbot's answer at /readyz, asked through the API server; where nobody may ask, the kubelet's readiness probe of it.",
			Why:   "It is tbot's own word on whether it joined and could write each output, one word for each of them.",
			Shows: []string{`"status":"unhealthy"`, "Readiness probe failed: HTTP probe failed with statuscode: 503"},
			Mend:  "Read the pod's log; `tbotctl doctor` explains it.",
			Since: "From 17.5 and 18.0 on /readyz tells; tbot before that says OK to everything.", Problems: []string{"P40"},
		},
	}
}
