package spec

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode"
)

// Field is one answer as the command line gives it. One list feeds the flags, the environment variables, the wizard's
// questions and the docs, so that none of them can drift from the others.
type Field struct {
	// Flag is the name without dashes; the environment variable follows from it.
	Flag string
	// Placeholder stands for the value in help; empty for a switch.
	Placeholder string
	// Repeat is what separates the values of a flag that may stand several times; empty where it may not.
	Repeat string
	// Help is one line, lower case, without a full stop, with the default where Default does not hold it.
	Help string
	// Set reads the value as typed; its error says what is wrong with it, without the flag.
	Set func(*Setup, string) error
	// Get gives the value in the form that Set reads; empty where there is no answer.
	Get func(Setup) string
}

// EnvPrefix starts the environment variable of every flag.
const EnvPrefix = "TBOTCTL_"

// Env is the environment variable of a flag: TBOTCTL_BOT_NAME for bot-name.
func Env(flag string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Switch reports whether the flag takes no value.
func (f Field) Switch() bool { return f.Placeholder == "" }

// Fields returns every answer of a Setup in the order of the help page.
func Fields() []Field {
	return slices.Concat(groundFields(), reachFields(), argoCDFields(), []Field{workload()}, agentFields(), podFields(), fileFields())
}

// groundFields are about both clusters, and about how they know each other.
func groundFields() []Field {
	return []Field{
		word("side", "both|kubernetes|teleport", "which side this run may touch", func(s *Setup) *string { return (*string)(&s.Side) }),
		word("context", "NAME", "kubeconfig context; required without a terminal, unless inside a pod", func(s *Setup) *string { return &s.Kubernetes.Context }),
		word("namespace", "NAME", "namespace that tbot runs in", func(s *Setup) *string { return &s.Kubernetes.Namespace }),
		flag("create-namespace", "make the namespace where it does not exist", func(s *Setup) *bool { return &s.Kubernetes.CreateNamespace }),
		word("proxy", "HOST:PORT", "Teleport Proxy Service, with its port and without a scheme", func(s *Setup) *string { return &s.Teleport.Proxy }),
		file("proxy-ca", "authority of the proxy's certificate where no system root signed it; tbotctl trusts it and the pod does", func(s *Setup) *string { return &s.Teleport.ProxyCA }),
		word("cluster-name", "NAME", "Teleport cluster name, the audience of the token; default: as the proxy says", func(s *Setup) *string { return &s.Teleport.ClusterName }),
		word("name", "NAME", "base name of everything made", func(s *Setup) *string { return &s.Name }),
		word("bot-name", "NAME", "Teleport bot; default: --name and eight digits of the cluster's identity", func(s *Setup) *string { return &s.Teleport.BotName }),
		word("token-name", "NAME", "Teleport join token; default as --bot-name", func(s *Setup) *string { return &s.Teleport.TokenName }),
		word("service-account", "NAME", "Kubernetes service account; default: --name", func(s *Setup) *string { return &s.Kubernetes.ServiceAccount }),
		list("roles", "A,B", "Teleport roles of the bot; required where it has an output", func(s *Setup) *[]string { return &s.Teleport.Roles }),
		word("output-secret", "NAME", "Secret that the credentials are written to; default: --name and -output", func(s *Setup) *string { return &s.Output.Secret }),
		file("tbot-config", "fragment of tbot.yaml with more outputs and services, and lifetimes, merged into the rendered one", func(s *Setup) *string { return &s.Output.Fragment }),
		word("join-type", "auto|oidc|static_jwks|in_cluster", "how Teleport verifies the service account token", func(s *Setup) *string { return (*string)(&s.Join.Type) }),
		word("issuer", "URL", "service account issuer, where the cluster is not asked", func(s *Setup) *string { return &s.Join.Issuer }),
		file("jwks-file", "JSON Web Key Set of the cluster, where the cluster is not asked", func(s *Setup) *string { return &s.Join.JWKS }),
		word("auth-service-account", "NS:NAME", "service account of the Auth Service, for in_cluster: looked at whether it may review tokens", func(s *Setup) *string { return &s.Join.AuthServiceAccount }),
		flag("accept-rotation-risk", "take static_jwks although the provider rotates its keys", func(s *Setup) *bool { return &s.Join.AcceptRotationRisk }),
	}
}

// reachFields are about what the bot is for.
func reachFields() []Field {
	return []Field{
		word("access", "identity|kubernetes|argocd|none", "what the bot is for", func(s *Setup) *string { return (*string)(&s.Access) }),
		repeated(",", list("kube-cluster", "NAME", "Kubernetes cluster that the bot reaches, as Teleport names it; repeatable", func(s *Setup) *[]string { return &s.Reach.Clusters })),
		selectors(),
		list("kube-groups", "A,B", "Kubernetes groups that the bot acts as; tbotctl then makes the Teleport role", func(s *Setup) *[]string { return &s.Reach.Groups }),
		list("kube-users", "A,B", "Kubernetes users that the bot acts as; * is any", func(s *Setup) *[]string { return &s.Reach.Users }),
		word("target-namespace", "NAME", "the one namespace that the bot reaches in those clusters; default: all", func(s *Setup) *string { return &s.Reach.Namespace }),
		word("cluster-role", "NAME", "ClusterRole that groups or users are bound to in those clusters; default: view", func(s *Setup) *string { return &s.Reach.ClusterRole }),
		repeated(",", list("target-context", "CTX", "kubeconfig context in whose cluster tbotctl makes that binding; repeatable; default: it is left to others", func(s *Setup) *[]string { return &s.Reach.Contexts })),
	}
}

// podFields are what policies and registries of a company have a say in.
func podFields() []Field {
	return []Field{
		word("image", "REF", "image of tbot, with or without a tag", func(s *Setup) *string { return &s.Workload.Image }),
		word("registry", "PATH", "registry that mirrors public.ecr.aws/gravitational", func(s *Setup) *string { return &s.Workload.Registry }),
		word("image-pull-secret", "NAME", "Secret that the image is pulled with", func(s *Setup) *string { return &s.Workload.PullSecret }),
		word("tbot-version", "X.Y.Z", "version of tbot, or of the agent's chart; default: as the Teleport cluster runs its agents", func(s *Setup) *string { return &s.Workload.TbotVersion }),
		flag("fips", "run the FIPS image; default: as the server is built", func(s *Setup) *bool { return &s.Workload.FIPS }),
		flag("telemetry", "let tbot send anonymous usage data to Teleport", func(s *Setup) *bool { return &s.Workload.Telemetry }),
		pairs("labels", "labels on the pod and on every object made", func(s *Setup) *map[string]string { return &s.Workload.Labels }),
		pairs("annotations", "annotations on the pod and on every object made", func(s *Setup) *map[string]string { return (*map[string]string)(&s.Workload.Annotations) }),
		pairs("env", "environment variables of tbot", func(s *Setup) *map[string]string { return (*map[string]string)(&s.Workload.Env) }),
		pairs("requests", "resource requests", func(s *Setup) *map[string]string { return &s.Workload.Requests }),
		pairs("limits", "resource limits", func(s *Setup) *map[string]string { return &s.Workload.Limits }),
		pairs("node-selector", "labels of the nodes that the pod may run on", func(s *Setup) *map[string]string { return &s.Workload.NodeSelector }),
		tolerations(),
		word("priority-class", "NAME", "priority class of the pod", func(s *Setup) *string { return &s.Workload.PriorityClass }),
		word("platform", "auto|kubernetes|openshift", "what assigns the pod's uid and gid: tbotctl fixes them, or OpenShift does; auto is as the cluster is", func(s *Setup) *string { return (*string)(&s.Workload.Platform) }),
		patch(),
	}
}

// workload changes with the kind what follows from it.
func workload() Field {
	return Field{
		Flag: "workload", Placeholder: "tbot|agent", Help: "what is deployed: tbot, or the join token and values for a teleport-kube-agent",
		Set: func(s *Setup, v string) error { s.deploy(WorkloadKind(v)); return nil },
		Get: func(s Setup) string { return string(s.Workload.Kind) },
	}
}

func word(name, placeholder, help string, at func(*Setup) *string) Field {
	return Field{
		Flag: name, Placeholder: placeholder, Help: help,
		Set: func(s *Setup, v string) error { *at(s) = v; return nil },
		Get: func(s Setup) string { return *at(&s) },
	}
}

func flag(name, help string, at func(*Setup) *bool) Field {
	return Field{
		Flag: name, Help: help,
		Set: func(s *Setup, v string) error {
			switch v {
			case "true", "1", "yes":
				*at(s) = true
			case "false", "0", "no", "":
				*at(s) = false
			default:
				return fmt.Errorf("%s is neither true nor false", Quote(v))
			}
			return nil
		},
		Get: func(s Setup) string {
			if *at(&s) {
				return "true"
			}
			return ""
		},
	}
}

func list(name, placeholder, help string, at func(*Setup) *[]string) Field {
	return Field{
		Flag: name, Placeholder: placeholder, Help: help,
		Set: func(s *Setup, v string) error {
			*at(s) = nil
			for part := range strings.SplitSeq(v, ",") {
				if part = strings.TrimSpace(part); part != "" {
					*at(s) = append(*at(s), part)
				}
			}
			return nil
		},
		Get: func(s Setup) string { return strings.Join(*at(&s), ",") },
	}
}

// pairs reads k=v,k=v. Values with a comma belong into an answers file.
func pairs(name, help string, at func(*Setup) *map[string]string) Field {
	return Field{
		Flag: name, Placeholder: "K=V,...", Help: help,
		Set: func(s *Setup, v string) (err error) {
			*at(s), err = readPairs(v)
			return err
		},
		Get: func(s Setup) string { return writePairs(*at(&s)) },
	}
}

func readPairs(text string) (map[string]string, error) {
	read := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		key, value, found := strings.Cut(part, "=")
		if key = strings.TrimSpace(key); !found || key == "" {
			return nil, fmt.Errorf("%s is not key=value", Quote(part))
		}
		if _, twice := read[key]; twice {
			return nil, fmt.Errorf("%s stands twice", Quote(key))
		}
		read[key] = value
	}
	return read, nil
}

func writePairs(pairs map[string]string) string {
	parts := make([]string, 0, len(pairs))
	for _, key := range sorted(pairs) {
		parts = append(parts, key+"="+pairs[key])
	}
	return strings.Join(parts, ",")
}

func repeated(separator string, f Field) Field {
	f.Repeat = separator
	return f
}

// selectors reads K=V,K=V;K=V: the labels of one selector stand behind commas, the selectors behind semicolons or in flags of their
// own. Values with either belong into an answers file.
func selectors() Field {
	return Field{
		Flag: "kube-labels", Placeholder: "K=V,...", Repeat: ";",
		Help: "labels of Kubernetes clusters that the bot reaches; repeatable, each adds those that carry all of them",
		Set: func(s *Setup, v string) error {
			var read []map[string]string
			for part := range strings.SplitSeq(v, ";") {
				labels, err := readPairs(part)
				if err != nil {
					return err
				}
				if len(labels) > 0 {
					read = append(read, labels)
				}
			}
			s.Reach.Labels = read
			return nil
		},
		Get: func(s Setup) string {
			parts := make([]string, 0, len(s.Reach.Labels))
			for _, labels := range s.Reach.Labels {
				parts = append(parts, writePairs(labels))
			}
			return strings.Join(parts, ";")
		},
	}
}

// file reads a file into the answer, because an answers file has to stand alone.
func file(name, help string, at func(*Setup) *string) Field {
	return Field{
		Flag: name, Placeholder: "FILE", Help: help,
		Set: func(s *Setup, path string) error {
			data, err := readSmall(path)
			if err != nil {
				return err
			}
			// What stands before the content says nothing in JSON and PEM, and YAML cannot hold all of it (see Texts).
			if data = strings.TrimLeftFunc(data, unicode.IsSpace); data == "" {
				return fmt.Errorf("%s is empty", Quote(path))
			}
			*at(s) = data
			return nil
		},
		Get: func(s Setup) string { return *at(&s) },
	}
}

func tolerations() Field {
	return Field{
		Flag: "toleration", Placeholder: "KEY[=VALUE][:EFFECT],...", Help: "taints that the pod tolerates",
		Set: func(s *Setup, v string) error {
			s.Workload.Tolerations = nil
			for part := range strings.SplitSeq(v, ",") {
				if part = strings.TrimSpace(part); part == "" {
					continue
				}
				key, effect, _ := strings.Cut(part, ":")
				key, value, _ := strings.Cut(key, "=")
				if key == "" && effect == "" {
					return fmt.Errorf("%s names neither a taint key nor an effect", Quote(part))
				}
				s.Workload.Tolerations = append(s.Workload.Tolerations, Toleration{Key: key, Value: value, Effect: effect})
			}
			return nil
		},
		Get: func(s Setup) string {
			parts := make([]string, 0, len(s.Workload.Tolerations))
			for _, t := range s.Workload.Tolerations {
				parts = append(parts, t.String())
			}
			return strings.Join(parts, ",")
		},
	}
}

// maxFile bounds every file that an answer names: key sets and certificates are small, and a mistyped path may be a disk. A
// pipe is taken too, as in --jwks-file <(kubectl get --raw /openid/v1/jwks).
const maxFile = 1 << 20

func readSmall(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot read the file: %w", err)
	case !info.Mode().IsRegular() && info.Mode()&os.ModeNamedPipe == 0:
		return "", fmt.Errorf("%s is no regular file", Quote(path))
	}
	file, err := os.Open(path) //nolint:gosec // the path is the user's own argument
	if err != nil {
		return "", fmt.Errorf("cannot read the file: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("cannot read the file: %w", err)
	}
	if len(data) > maxFile {
		return "", fmt.Errorf("%s is larger than 1 MiB", Quote(path))
	}
	return string(data), nil
}
