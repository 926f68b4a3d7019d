// Package wizard holds the questions of the interactive run as data: what is asked, when, and by which flag the answer can be
// given instead. Without a terminal the same list says what is missing. It decides nothing and dials nobody.
package wizard

import "github.com/tbotctl/tbotctl/internal/spec"

// Question is one thing that only a person can decide, where nothing else told it.
type Question struct {
	// Flag gives the answer instead; every question has one.
	Flag string
	// Title is what is asked, Help what it is good for.
	Title, Help string
	// When says whether the question arises; nil means always.
	When func(spec.Setup, Situation) bool
}

// Situation is what the run knows of itself that is no answer.
type Situation struct {
	// Terminal tells that a person can be asked, so that what happens to be current may stand in.
	Terminal bool
	// InPod tells that the pod's own service account can stand in for a context.
	InPod bool
	// Offline tells that no cluster is asked, so that nothing can be looked up.
	Offline bool
}

// Questions returns every question in the order of asking. All of them need an answer where they arise.
func Questions() []Question {
	return []Question{
		{
			Flag: "context", Title: "Which Kubernetes cluster?", Help: "a context of the kubeconfig",
			When: func(_ spec.Setup, at Situation) bool { return !at.Terminal && !at.InPod && !at.Offline },
		},
		{
			Flag: "namespace", Title: "In which namespace does tbot run?", Help: "whoever may create pods there can become the bot",
		},
		{
			Flag: "proxy", Title: "Which Teleport cluster?", Help: "host:port of its Proxy Service, for example example.teleport.sh:443",
		},
		{
			Flag: "roles", Title: "Which Teleport roles does the bot get?", Help: "without roles it joins and then cannot write its output",
			When: func(s spec.Setup, _ Situation) bool { return s.HasOutput() },
		},
		{
			Flag: "cluster-name", Title: "What is the Teleport cluster's name?", Help: "cluster_name in https://PROXY/webapi/find", When: offline,
		},
		{Flag: "bot-name", Title: "What is the bot called?", Help: "a name that no other cluster's bot has", When: offline},
		{Flag: "token-name", Title: "What is the join token called?", Help: "a name that no other cluster's token has", When: offline},
		{
			Flag: "tbot-version", Title: "Which version of tbot runs?", Help: "X.Y.Z of the server's release",
			When: func(s spec.Setup, at Situation) bool { return offline(s, at) && !s.Workload.PinsImage() },
		},
		{
			Flag: "issuer", Title: "What is the cluster's service account issuer?", Help: "byte for byte the `iss` of its tokens",
			When: func(s spec.Setup, at Situation) bool { return offline(s, at) && s.Join.Type == spec.JoinOIDC },
		},
		{
			Flag: "jwks-file", Title: "Which keys sign the cluster's tokens?", Help: "the answer of `kubectl get --raw /openid/v1/jwks` in a file",
			When: func(s spec.Setup, at Situation) bool { return offline(s, at) && s.Join.Type == spec.JoinStaticJWKS },
		},
		{
			Flag: "join-type", Title: "How does Teleport verify the token?", Help: "oidc, static_jwks or in_cluster; auto needs a cluster to look at",
			When: offline,
		},
	}
}

func offline(_ spec.Setup, at Situation) bool { return at.Offline }

// Missing returns the questions that arise and have no answer.
func Missing(s spec.Setup, at Situation) []Question {
	fields := map[string]spec.Field{}
	for _, field := range spec.Fields() {
		fields[field.Flag] = field
	}
	var missing []Question
	for _, question := range Questions() {
		if question.When != nil && !question.When(s, at) {
			continue
		}
		answer := fields[question.Flag].Get(s)
		if answer == "" || question.Flag == "join-type" && answer == string(spec.JoinAuto) {
			missing = append(missing, question)
		}
	}
	return missing
}
