package checks

func explainTeleport() []Explanation {
	return []Explanation{
		{
			ID:    "TBC301",
			Looks: "GET /webapi/find of the proxy, with the system's authorities or those of `--proxy-ca`.",
			Why:   "tbot goes the same way. It tells the cluster's name, the server's version and how the proxy is reached.",
			Shows: []string{"x509: certificate signed by unknown authority", "no such host", "connection refused"},
			Mend:  "Give the proxy's public address as HOST:PORT, mostly port 443; a private authority with `--proxy-ca`.", Problems: []string{"P31"},
		},
		{
			ID:    "TBC302",
			Looks: "`--cluster-name`, compared with cluster_name of /webapi/find.",
			Why:   "The name of the Teleport cluster is the audience of the pod's token. It is not the proxy's address, although the two are often alike.",
			Shows: []string{"validation failed, invalid audience claim (aud)"},
			Mend:  "Leave `--cluster-name` out.", Problems: []string{"P01"},
		},
		{
			ID:    "TBC303",
			Looks: "The version of tbot that would be deployed, compared with server_version and min_client_version of the proxy.",
			Why:   "Teleport serves clients of its own major version and of the one before. A tbot that is newer than the server may ask for what the server does not have.",
			Shows: []string{"client version is unsupported, minimum supported version is", "rejected-unsupported-connection"},
			Mend:  "Leave `--tbot-version` out: then it follows the cluster.", Problems: []string{"P33"},
		},
		{
			ID:    "TBC304",
			Looks: "The Teleport login (tsh profile or identity file), proven by one call.",
			Why:   "Bots, join tokens and the audit log are read by it. Without one doctor judges by what the pod and its log say.",
			Shows: []string{"client cannot perform MFA ceremony"},
			Mend:  "`tsh login --proxy=HOST:PORT`, or an identity file of `tctl auth sign` by `--identity`.", Problems: []string{"P35"},
		},
		{
			ID:    "TBC305",
			Looks: "Each role that the bot is to carry, by name.",
			Why:   "Teleport lets a bot name roles that do not exist, and only the output fails, later.",
			Mend:  "Make the role, or name another; `tctl get roles` lists them.", Problems: []string{"P23"},
		},
		{
			ID:    "TBC306",
			Looks: "The bot that the join token names in bot_name.",
			Why:   "Teleport lets a join token name a bot that does not exist, and answers the join with two words that do not name it. Only the Auth Service's log and the audit log tell more.",
			Shows: []string{"access denied", "receiving join result"},
			Mend:  "Make the bot (`tctl bots add NAME`, `tbotctl init`), or set bot_name of the join token to one that exists.",
		},
		{
			ID:    "TBC307",
			Looks: "The locks in force on the bot's user, on the join token and on the bot's instance.",
			Why: "A lock ends every join and every use of the certificates. Teleport itself locks a bot whose certificate generations do not fit, which is what two tbots with one state " +
				"or a restored backup look like; kubernetes joins are spared that. A person may also have locked it on purpose.",
			Shows: []string{"lock targeting", "renewable cert generation mismatch: stored=3, presented=2"},
			Mend:  "Read the lock's message (`tctl get locks`), ask who made it and why, then `tctl rm lock/NAME`.",
		},
		{
			ID:    "TBC308",
			Looks: "A TLS handshake with the proxy that offers teleport-reversetunnel as the protocol: a Teleport proxy takes it, a load balancer that ends TLS does not.",
			Why:   "tbot gets around such a load balancer by a websocket. Programs that use a kubeconfig cannot, and the output for Argo CD refuses to run there.",
			Shows: []string{"appears to be behind a Layer 7 load balancer that does not support ALPN", "remote error: tls: no application protocol"},
			Mend:  "Let the load balancer pass TLS through (layer 4). Where that cannot be, use tbot's identity output with `tbot proxy kube`.",
		},
		{
			ID:    "TBC309",
			Looks: "The address that the proxy names as its own in /webapi/find, compared with proxy_server of tbot.yaml. It fails where tbot's log speaks of that address, and warns where it only differs.",
			Why:   "After the first answer tbot goes to the address that the proxy names. Where names are resolved differently inside, that may be an address that the pod cannot reach.",
			Shows: []string{"dial tcp: lookup", "i/o timeout"},
			Mend:  "Set public_addr of the Proxy Service to what the pod can reach, or set TBOT_USE_PROXY_ADDR=yes in the pod, which needs TLS routing and proxy_server.",
		},
		{
			ID:    "TBC310",
			Looks: "The cluster's authentication settings: whether administrative calls want a touch of a hardware key.",
			Why:   "Then bots and join tokens are read and written only with a touch, also by tbotctl; a run without a terminal cannot give one. tbot's own joins are exempt.",
			Shows: []string{"admin-level API request requires MFA verification", "client cannot perform MFA ceremony"},
			Mend:  "Run from a terminal with the key at hand, or hand the file of `tbotctl render --side teleport` to `tctl create -f`: one file is one touch.",
		},
		{
			ID: "TBC311",
			Looks: "Whether the bot has roles, and whether they exist. For outputs for Kubernetes also their kubernetes_labels, kubernetes_groups, kubernetes_users, and kubernetes_resources by the role's version. " +
				"Labels are compared with the clusters that this login sees; expressions and templates are left to the making of the output.",
			Why: "The join succeeds with any roles, also with none. The output then fails, or is written and useless: a role of version v6 knows pods alone, several kubernetes_users leave the choice to a client that does not make it, " +
				"and a group that nothing binds in the target cluster may do nothing there.",
			Shows: []string{
				"at least one role request is required", "kubernetes cluster \"x\" not found", "Your user's Teleport role does not allow Kubernetes access",
				`KubernetesResource kind "*" is not supported in role version "v6". Upgrade the role version to "v8"`,
				"please select a user to impersonate, refusing to select a user due to several kubernetes_users set up for this user",
				"GKE Warden", "impersonating system identities are not allowed",
			},
			Mend: "Give the bot a role with kubernetes_labels that match and one group or user that is bound in the target cluster; never system:masters. Role version v7 writes kinds in the singular, v8 in the plural with api_group. " +
				"For Argo CD: kubernetes_users ['*'], or exactly one user.",
			Since: "kubernetes_users ['*']: 17.7.3. Roles v7 know more than pods, v8 is Teleport 18's.",
		},
		{
			ID:    "TBC312",
			Looks: "The rules of this login's roles: read and list of bot and token.",
			Why:   "Without them half of what can be wrong cannot be seen from here, and is unknown. The setup itself is none the worse for it, so this is a warning.",
			Shows: []string{`access denied to perform action "read" on "token"`},
			Mend:  "Ask for a role with read and list on bot, token, lock and event; the preset editor has more than that, auditor less.",
		},
		{
			ID:    "TBC313",
			Looks: "The Kubernetes clusters that this login sees in Teleport, by the names of `--kube-cluster` and the labels of `--kube-labels`.",
			Why:   "A name that Teleport does not know fails the output; labels that match nothing fail nothing: tbot is healthy and the kubeconfig is empty, which only an info line of its log says.",
			Shows: []string{"matched_cluster_count=0", "is not registered in this Teleport cluster"},
			Mend:  "`tctl get kube_server` lists clusters and labels. A cluster that was enrolled a moment ago shows up within a minute.",
		},
		{
			ID:    "TBC315",
			Looks: "Nothing: doctor only says here who can tell. `tbotctl verify --each-cluster` makes the credentials that the pod gets and asks every cluster with them.",
			Why:   "Teleport lets the bot in as a group or user, and what that may do is up to the bindings of each cluster. One that nothing binds is let in and may do nothing, while tbot and Teleport call all of it healthy.",
			Shows: []string{`is forbidden: User "bot-robot" cannot list resource "pods"`},
			Mend:  "Bind the group or user in that cluster, by the command that `tbotctl verify --each-cluster` or the end of init prints; to the ClusterRole view first.",
		},
		{
			ID:    "TBC316",
			Looks: "For `--argocd-impersonation`: the kubernetes_groups of every role that the bot has or is to get.",
			Why:   "With kubernetes_users ['*'] Argo CD acts as the user of each project. Teleport adds the groups of all roles of the bot to that user, so that every project may do what those groups may.",
			Mend:  "Take the role with groups from the bot (`--roles` names those that it keeps), or let Argo CD act as one group for all projects, without `--argocd-impersonation`.",
			Since: "kubernetes_users ['*']: 17.7.3.",
		},
		{
			ID:    "TBC317",
			Looks: "A TLS handshake with the proxy that offers the protocol teleport-reversetunnel, before anything is made: only Teleport itself takes it.",
			Why:   "The credentials of Kubernetes clients are their certificates. Where a load balancer ends TLS they never reach the proxy: the output for Argo CD refuses to run there, and a kubeconfig is made and does not work.",
			Shows: []string{"appears to be behind a Layer 7 load balancer", "remote error: tls: no application protocol"},
			Mend:  "Let the load balancer pass TLS through (layer 4). Consumers of a kubeconfig can also go through `tbot proxy kube`; Argo CD cannot.",
		},
	}
}
