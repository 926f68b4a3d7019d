package checks

func explainToken() []Explanation {
	return []Explanation{
		{
			ID:    "TBC401",
			Looks: "The join token that onboarding.token of tbot.yaml names, and the names of others that are like it.",
			Why:   "The name in tbot.yaml and that of the resource in Teleport are written in two places, and the guides themselves differ: bot-kubernetes in one, example-bot in the other. Teleport says the same of a token that is missing and of one that has ended.",
			Shows: []string{`can not join the cluster with role "Bot", token expired or not found`},
			Mend:  "Put the name that exists into the ConfigMap and restart the Deployment, or make a join token of the name that is there.",
		},
		{
			ID:    "TBC402",
			Looks: "join_method, roles and bot_name of the join token.",
			Why:   "A token that was made for an agent of another kind, or for another join method, lets no bot in. A kubernetes token presented to a token of another method is judged by that method's rules and in its words.",
			Shows: []string{
				"provision token only supports method", "this token is only valid for the", `can not join the cluster, the token does not allow "Bot" role`, `token with role "Bot" must set bot_name`,
			},
			Mend: "Make the join token anew with join_method kubernetes, roles [Bot] and bot_name.",
		},
		{
			ID:    "TBC403",
			Looks: "The allow rules of the join token, compared letter by letter with namespace:name of the pod's service account.",
			Why:   "There are no wildcards in service_account and no prefix: Teleport puts system:serviceaccount: in front itself. Another namespace than default, or a Helm release of another name, is another service account.",
			Shows: []string{"kubernetes token did not match any allow rules"},
			Mend:  "Add a rule with service_account NAMESPACE:NAME to spec.kubernetes.allow of the join token (`tctl edit token/NAME`).",
			Since: "Wildcards come as two fields of their own, service_account_name and service_account_namespace, in patches of 18 of May 2026 and on.",
		},
		{
			ID:    "TBC404",
			Looks: "The text of spec.kubernetes.static_jwks.jwks, read as a set of public keys.",
			Why:   "Teleport takes any text when the token is made and reads it at the join. A comment line that was pasted along, or the % that zsh prints at the end of a line, is part of the text.",
			Shows: []string{"parsing provided jwks", "invalid character '#' looking for beginning of value", "invalid character '%'"},
			Mend:  `Write the cluster's keys as one line of JSON, {"keys":[...]}: the output of "kubectl get --raw /openid/v1/jwks" and nothing else.`,
			Since: "static_jwks: Teleport 14, and patches of 12 and 13.",
		},
		{
			ID:    "TBC405",
			Looks: "The key id that signs the cluster's tokens now, looked for in the join token's copy, in the API server's keys and at the issuer. Which of several keys signs is known only by a token (`--prove`) or by what Teleport said of the last join.",
			Why:   "The copy lacks it after a rotation, where it is another cluster's, and on EKS, whose API server publishes other keys than its issuer. Teleport's words do not say so.",
			Shows: []string{"validating jwt signature", "go-jose/go-jose: unsupported key type/format", "JWK with matching kid not found in JWK Set"},
			Mend:  "Write the keys as they are now into the join token, or change it to oidc where the issuer is public: then there is no copy.",
			Since: "static_jwks: Teleport 14, and patches of 12 and 13. Servers that are built on go-jose v4 say that the kid was not found; earlier ones call it an unsupported key type.",
		},
		{
			ID:    "TBC406",
			Looks: "For a join token of type static_jwks: whether the cluster's provider rotates its signing keys on its own, and whether the copy still holds all live keys.",
			Why:   "EKS replaces the keys every seven days. tbot joins anew at each renewal, so it fails within 20 minutes of a rotation and the certificates end within the hour.",
			Shows: []string{"JWK with matching kid not found in JWK Set"},
			Mend:  "Change the join token to oidc; where the issuer is not public, renew the copy after each rotation.",
		},
		{
			ID:    "TBC407",
			Looks: "spec.kubernetes.oidc.issuer, compared byte for byte with the issuer that the cluster's tokens name.",
			Why:   "AKS issuers end in a slash, and whoever leaves it out names another issuer. An http issuer is taken only with insecure_allow_http_issuer.",
			Shows: []string{"issuer does not match", "oidc.issuer: must be https:// unless insecure_allow_http_issuer is set"},
			Mend:  "Copy the issuer as the cluster's discovery document writes it.",
			Since: "oidc: Teleport 17.7.0, 18.1.5 and 19.",
		},
		{
			ID:    "TBC408",
			Looks: "metadata.expires of the join token.",
			Why:   "A bot that joins by kubernetes joins anew all the time, so the token has to stay. `tctl tokens add` gives 30 minutes unless told otherwise. Teleport 16 may complain of the service account token before it says that the join token has ended.",
			Shows: []string{"token expired or not found", "the token is not valid"},
			Mend:  "Write the join token without metadata.expires.",
		},
		{
			ID:    "TBC409",
			Looks: "The type of the join token, against the server's version and where the server runs.",
			Why: "in_cluster asks the Kubernetes cluster that the Auth Service runs in: it is impossible on Teleport Cloud, in another cluster, and without the right to review tokens. Servers before 17.0.3 ask for the API server's own audience there, " +
				"so a token for the Teleport cluster's name is refused.",
			Shows: []string{
				"failed to initialize in-cluster Kubernetes config", "error during the Kubernetes TokenReview", "kubernetes failed to validate token",
				"is invalid for the target audiences", `unsupported kubernetes join method type`,
			},
			Mend:  "Change the join token to oidc or static_jwks. Where in_cluster is right: `kubectl create clusterrolebinding teleport-auth-delegator --clusterrole=system:auth-delegator --serviceaccount=NAMESPACE:NAME` for the Auth Service's account.",
			Since: "oidc: 17.7.0, 18.1.5 and 19. in_cluster takes the cluster's name as audience since 15.4.x, 16.4.9 and 17.0.3.",
		},
		{
			ID:    "TBC410",
			Looks: "With join type in_cluster: whether the service account that `--auth-service-account` names may create TokenReviews, by a SubjectAccessReview. Without the flag nobody knows whom to ask about; the proof of the join then shows it. Teleport Cloud is known by the proxy's name, or by what the Auth Service says of itself.",
			Why:   "With in_cluster the Auth Service has its own Kubernetes cluster review the token. Its service account needs ClusterRole system:auth-delegator, which only the chart teleport-cluster gives by itself. On Teleport Cloud the Auth Service runs in no cluster of yours.",
			Shows: []string{"error during the Kubernetes TokenReview", "failed to initialize in-cluster Kubernetes config"},
			Mend:  "`kubectl create clusterrolebinding teleport-auth-delegator --clusterrole=system:auth-delegator --serviceaccount=NAMESPACE:NAME` for the Auth Service's account, or another join type.",
		},
	}
}
