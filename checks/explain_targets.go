package checks

// explainTargets are the texts of the checks of --target-context.
func explainTargets() []Explanation {
	return []Explanation{
		{
			ID:    "TBC111",
			Looks: "One GET of /version in each cluster of `--target-context`, by that context of the kubeconfig.",
			Why:   "All of them are reached before anything is written anywhere, so that no cluster is left without the binding that another one has got. What Teleport calls a cluster cannot be told from its context, so compare the addresses that are shown.",
			Shows: []string{"Unable to connect to the server", "You must be logged in to the server (Unauthorized)"},
			Mend:  "Make `kubectl --context CTX get --raw /version` work, or leave the context out: the binding can be made later, by the files in `targets/`.",
		},
		{
			ID:    "TBC112",
			Looks: "In each cluster of `--target-context`, the namespace of `--target-namespace` and the ClusterRole of `--cluster-role`. The ClusterRoles view, edit, admin and cluster-admin are Kubernetes' own and are not looked for.",
			Why:   "Kubernetes takes a binding to a ClusterRole that is not there, and it allows nothing. A RoleBinding needs its namespace; tbotctl makes none in a cluster that only the bot's work is in.",
			Shows: []string{`namespaces "apps" not found`, `clusterroles.rbac.authorization.k8s.io "deployer" not found`},
			Mend:  "`kubectl --context CTX create namespace NAME`, or name what is there.",
		},
		{
			ID:    "TBC611",
			Looks: "In each cluster of `--target-context`, whether the login may read, make and change the binding, by SelfSubjectAccessReview, and then what the API server says of the binding itself, by a dry run that keeps nothing.",
			Why:   "Kubernetes lets nobody bind a role who neither holds all that it grants nor has the verb bind on it. Admission policies judge the dry run too.",
			Shows: []string{"is attempting to grant RBAC permissions not currently held", "is forbidden: User"},
			Mend:  "Have a cluster administrator run what the finding prints, or make the binding from `targets/`.", Problems: []string{"P25"},
		},
	}
}
