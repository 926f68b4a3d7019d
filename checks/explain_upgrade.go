package checks

func explainUpgrade() []Explanation {
	return []Explanation{
		{
			ID:    "TBC520",
			Looks: "With `--for-server` alone: the server's release now and the one that is asked about.",
			Why:   "Teleport supports upgrades from one major version to the next one, and goes back only by a backup.",
			Mend:  "Upgrade by way of each major version, and ask doctor about each.",
		},
		{
			ID:    "TBC521",
			Looks: "With `--for-server` alone: the version in the image's tag.",
			Why:   "A server takes clients of its own major version and of the one before.",
			Shows: []string{"client version is unsupported, minimum supported version is"},
			Mend:  "Upgrade tbot to the major version that the cluster runs before the cluster goes to the next one.",
			Since: "Servers of 17 and on turn older clients away by default; 16 does where it is told to.",
		},
		{
			ID:    "TBC522",
			Looks: "With `--for-server` alone: whether tbot.yaml gives a proxy's address as auth_server.",
			Why:   "Until 18 tbot took a proxy's address there as well.",
			Mend:  "Rename the key to proxy_server.",
			Since: "tbot 19 takes it no longer. proxy_server is known since 14, 15 and 16.0 of March 2024.",
		},
		{
			ID:    "TBC523",
			Looks: "With `--for-server` alone: whether an output of tbot.yaml has roles.",
			Why:   "tbot reads its file strictly, so that a key which it no longer knows ends it.",
			Shows: []string{"failed parsing config file"},
			Mend:  "Take roles out of the outputs; where outputs need different roles, give each a bot of its own.",
			Since: "Removed with 19.",
		},
		{
			ID:    "TBC524",
			Looks: "With `--for-server` alone: by which of Teleport's join services the image's tbot joins.",
			Why:   "A tbot before 18.5 knows the legacy service alone, which Teleport's source marks for removal with 20.",
			Mend:  "Upgrade tbot to 18.5 or newer first.",
			Since: "The new service carries kubernetes joins since 18.5 and 19.",
		},
		{
			ID:    "TBC525",
			Looks: "With `--for-server` alone: the type of the join token.",
			Why:   "It matters on the way back: a release that does not know a type refuses every join by it.",
			Shows: []string{"unsupported kubernetes join method type", `type: must be one of`},
			Mend:  "Change the join token's type before going back.",
			Since: "oidc: 17.7.0, 18.1.5 and 19. static_jwks: 14.",
		},
		{
			ID:    "TBC526",
			Looks: "With `--for-server` alone: the types of the outputs.",
			Why:   "tbot of the release has to know each, or it ends at its start.",
			Mend:  "Keep to releases that know the output, or replace it by one of type kubernetes.",
			Since: "kubernetes/v2: 17.2.7. kubernetes/argo-cd: 17.7.4 and 18.1.7.",
		},
		{
			ID:    "TBC527",
			Looks: "With `--for-server` alone, for join tokens of type in_cluster: the audience of the pod's token.",
			Why:   "Older releases ask Kubernetes for the API server's own audience alone.",
			Shows: []string{"is invalid for the target audiences"},
			Mend:  "Leave the audience out, which every release takes for in_cluster.",
			Since: "The cluster's name is taken since 15.4.x, 16.4.9 and 17.0.3.",
		},
	}
}
