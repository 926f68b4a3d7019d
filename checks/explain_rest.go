package checks

func explainPermissions() []Explanation {
	return []Explanation{
		{
			ID:    "TBC601",
			Looks: "Each request that this run makes of the API server, by SelfSubjectAccessReview.",
			Why:   "A right that is missing is told ahead of the first write, not half-way.",
			Shows: []string{"is forbidden: User"},
			Mend:  "Have the Role that the finding prints bound to the login.", Problems: []string{"P14"},
		},
		{
			ID:    "TBC602",
			Looks: "The rules of this login's Teleport roles, against what this run does.",
			Why:   "A right that is missing is told ahead of the first write. A rule with a condition can be judged by the Auth Service alone, and is unknown.",
			Shows: []string{`access denied to perform action "create" on "token"`},
			Mend:  "Have the role that the finding prints made and given to the user; the preset editor has all of it.", Problems: []string{"P35"},
		},
		{
			ID:    "TBC603",
			Looks: "What the API server allows the pod's service account: get, create and patch on each Secret that it writes; get, create and update in Argo CD's namespace for that output. Where nobody may ask: the Roles that are bound to it, or tbot's log.",
			Why:   "tbot tries to write at its start and ends where it may not. A Role of another namespace, or one that names another Secret, is none.",
			Shows: []string{`secrets "tbot-output" is forbidden: User "system:serviceaccount:machines:tbot" cannot get resource`, "cannot patch resource"},
			Mend:  "Bind a Role with exactly those verbs on exactly that Secret to the service account.",
		},
		{
			ID:    "TBC604",
			Looks: "All Roles that are bound to the service account: whether they give more than the Secrets that it writes.",
			Why:   "The guide's Role and the chart's give every verb on every Secret of the namespace. In Argo CD's namespace these are the credentials of all clusters and repositories.",
			Mend:  "Give get, create and patch on the Secret by resourceNames; server-side apply may create a Secret that it may patch by name.",
		},
	}
}

func explainOutput() []Explanation {
	return []Explanation{
		{
			ID:    "TBC701",
			Looks: "After init has applied: whether tbot writes the output's Secret within twenty seconds of being ready.",
			Why:   "A pod may be ready before the first output is written.",
			Shows: []string{"Failed to render output", "Task failed. Backing off and retrying"},
			Mend:  "Read the pod's log; `tbotctl doctor` explains it.", Problems: []string{"P40"},
		},
		{
			ID:    "TBC702",
			Looks: "Outputs of type kubernetes and kubernetes/v2 whose destination is a Secret: disable_exec_plugin.",
			Why:   "With the plugin the kubeconfig calls tbot and reads a directory, and a Secret is none.",
			Shows: []string{"must be a directory in exec plugin mode"},
			Mend:  "Set disable_exec_plugin: true on the output.",
			Since: "The field is known since April 2024; from 16.0.4 on tbot sets it by itself where the destination is no directory.",
		},
		{
			ID:    "TBC703",
			Looks: "The Secret of each output: that it is there, and when tbot last wrote it by its managed fields, against the renewal interval.",
			Why:   "It shows that tbot stopped renewing; why stands in the checks that fail beside it. What mounts the Secret works until the certificate ends.",
			Shows: []string{"Failed to render output", "Task failed. Backing off and retrying", "All retry attempts exhausted. Will wait for next interval"},
			Mend:  "Mend the cause; tbot writes again at its next try.",
		},
		{
			ID:    "TBC704",
			Looks: "The X.509 certificate in the output's Secret: the Teleport cluster that issued it, its user, and its roles against the bot's.",
			Why:   "A Secret that something else wrote, or that is of another cluster, looks like a good one to Kubernetes. Without the role the consumer gets an empty list.",
			Shows: []string{"access denied", "certificate signed by unknown authority"},
			Mend:  "Set the bot's roles (`tctl bots update NAME --set-roles=...`), and restart the Deployment, so that tbot renews; delete a Secret that something else wrote.",
			Since: "tbot 19 takes no roles on an output: they are the bot's.",
		},
		{
			ID:    "TBC705",
			Looks: "For the output kubernetes/argo-cd: the Secret of each cluster that a selector names, its label, how many clusters matched by tbot's own count, and whether the namespace that they go to holds Argo CD's ConfigMap argocd-cm.",
			Why:   "Selectors that match nothing are no error to tbot, which says so at level info alone; and Argo CD reads its own namespace alone.",
			Shows: []string{"matched_cluster_count=0"},
			Mend:  "Correct selectors or labels (`tctl get kube_server`), give the bot's roles the clusters, and set secret_namespace to Argo CD's.",
			Since: "kubernetes/argo-cd: 17.7.4 and 18.1.7.",
		},
		{
			ID:    "TBC706",
			Looks: "Cluster Secrets that tbot made and no longer refreshes, by the annotation teleport.dev/updated and the renewal interval.",
			Why:   "tbot stops refreshing a cluster that is gone or no longer matches, and never deletes its Secret. Argo CD goes on trying.",
			Shows: []string{"certificate has expired or is not yet valid"},
			Mend:  "Move the applications, then delete the Secret. An Application whose cluster is gone may hang in its deletion.",
		},
		{
			ID:    "TBC707",
			Looks: "Labels on Argo CD's cluster Secrets that are not in the output's secret_labels.",
			Why:   "tbot writes the labels whole at each renewal: what others added is lost, and an ApplicationSet that selects by it loses its cluster.",
			Mend:  "Move the labels to secret_labels of the output.",
		},
		{
			ID:    "TBC708",
			Looks: "With `verify --evidence` alone: when the certificate in each output's Secret was made, by its own dates, against `--max-age`.",
			Why:   "Only a bot that Teleport let in gets a certificate, so a new one shows the whole chain without anything being tried. Managed fields also move when a label does.",
			Mend:  "Read the pod's log; where tbot renews less often than `--max-age`, give more, or shorten renewal_interval.", Problems: []string{"P40"},
		},
	}
}

func explainJoin() []Explanation {
	return []Explanation{
		{
			ID:    "TBC801",
			Looks: "A join that tbotctl itself makes with a token of the pod's service account, before the Deployment is written.",
			Why:   "It is the whole chain at once: audience, lifetime, keys, allow rule, bot and roles.",
			Shows: []string{"Successfully registered via proxy server"},
			Mend:  "The refusal is explained by its cause; `tbotctl doctor` looks at each part.", Problems: []string{"P01", "P03", "P05", "P06", "P07", "P08", "P09", "P17", "P18"},
		},
		{
			ID:    "TBC802",
			Looks: "What tbot's log says of its last join, also that of the container before.",
			Why:   "It holds Teleport's own words, as far as Teleport tells the joiner: of a missing bot it says two words.",
			Shows: []string{
				"Fetched new bot identity", "Identity initialized successfully", "Successfully registered via proxy server",
				"Bot identity renewal attempt", "Failed to renew bot identity. Will attempt to proceed with the old identity", "unable to communicate with auth server", "access denied",
			},
			Mend: "The words are explained in the finding; what they leave out is in TBC306, TBC403 and, with a login, TBC901.", Problems: []string{"P42"},
		},
		{
			ID:    "TBC803",
			Looks: "With `--prove` alone: a token as the pod presents it is minted, and a join made with it.",
			Why:   "It tells a fault that is over from one that lasts. It leaves a bot instance and an event in the audit log.",
			Mend:  "The refusal is explained by its cause.", Problems: []string{"P01", "P03", "P07", "P09", "P17"},
		},
		{
			ID:    "TBC901",
			Looks: "The newest bot.join event of this service account in Teleport's audit log; where that may not be read, the bot instance's last authentication.",
			Why:   "The joiner is told little on purpose. The event has the error that the Auth Service had, and the service account that was presented.",
			Shows: []string{"bot.join"},
			Mend:  "Mend what the event names. To read it, a login needs list and read on event.",
			Since: "Teleport 16 logs only joins that succeed; later servers also those that they refuse, with the reason.", Problems: []string{"P07", "P17"},
		},
		{
			ID:    "TBC902",
			Looks: "With `verify --evidence` alone: when Teleport last let the bot instance in that the output's certificate names, and as which service account, against `--max-age`.",
			Why:   "It is the other side's word on the same login. The certificate leads to the instance, so that another one's login, such as a proof's, is not taken for the pod's.",
			Mend:  "Read the pod's log; `tbotctl doctor` explains it. To see it, a login needs list and read on bot_instance.",
			Since: "Teleport 16.2 and newer keep instances; those before the service account's name was kept are told by the join token.",
		},
	}
}
