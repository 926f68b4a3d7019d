package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// ErrNotReady marks a Setup that lacks something that rendering reads.
var ErrNotReady = errors.New("not ready to render")

// ready says why a Setup cannot be rendered: invalid, incomplete, or with a resolved block that no longer fits the answers.
func ready(s spec.Setup) error {
	if err := errors.Join(s.Validate(), s.ValidateBinding()); err != nil {
		return err
	}
	var missing []string
	needed := map[string]string{
		"namespace":  s.Kubernetes.Namespace,
		"proxy":      s.Teleport.Proxy,
		"token-name": s.Teleport.TokenName,
	}
	if s.IsAgent() {
		missing = lacksOfAgent(s.Agent)
		if onlyTeleport(s) {
			missing = slices.DeleteFunc(missing, func(flag string) bool { return flag != "--agent-roles" })
		}
	} else {
		needed["bot-name"] = s.Teleport.BotName
	}
	for flag, value := range needed {
		if value == "" {
			missing = append(missing, "--"+flag)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("%w: missing %s", ErrNotReady, strings.Join(missing, ", "))
	}
	if s.ReachesClusters() {
		if err := readyToReach(s); err != nil {
			return err
		}
	}
	if s.HasOutput() && len(s.BotRoles()) == 0 {
		return fmt.Errorf("%w: missing --roles; a bot without roles joins and then cannot write its output (`at least one role request is required`)", ErrNotReady)
	}
	if !resolvedFor(s) {
		return fmt.Errorf("%w: cluster name, image, join type and its issuer or keys have to be resolved first", ErrNotReady)
	}
	if err := errors.Join(fits(s), tbotconfig.JudgeFragment(s)); err != nil {
		return err
	}
	return serverReaches(s)
}

// resolvedFor reports whether what was looked up is complete; without the Kubernetes side no image is needed.
func resolvedFor(s spec.Setup) bool {
	if s.Resolved == nil || !onlyTeleport(s) {
		return s.Resolved.Complete()
	}
	resolved := *s.Resolved
	resolved.Image = "none"
	return resolved.Complete()
}

// readyToReach says what access to clusters lacks.
func readyToReach(s spec.Setup) error {
	if !s.Reach.Selects() {
		return fmt.Errorf("%w: missing --kube-cluster or --kube-labels; nothing says which Kubernetes clusters the bot reaches", ErrNotReady)
	}
	if len(s.BotRoles()) == 0 {
		return fmt.Errorf("%w: missing --kube-groups (tbotctl then makes the Teleport role), or --roles with a role that grants Kubernetes access", ErrNotReady)
	}
	if onlyTeleport(s) {
		return nil // where Argo CD is, and which Secrets it has, stands in Kubernetes alone
	}
	return readyForArgoCD(s)
}

// anyUserSince is the first Teleport that takes * in kubernetes_users (teleport pull request 58478).
const anyUserSince = "17.7.3"

// serverReaches refuses what the server that was found is too old for.
func serverReaches(s spec.Setup) error {
	if !s.ReachesClusters() {
		return nil
	}
	wrong := func(flag, problem, fix string) error {
		return &spec.Invalid{Fields: []spec.FieldError{{Flag: flag, Problem: problem, Fix: fix}}}
	}
	if s.Access == spec.AccessArgoCD {
		if err := tbotWritesArgoCD(s); err != nil {
			return err
		}
	} else if len(s.Reach.Labels) > 0 && tbotconfig.KubernetesType(s) != tbotconfig.TypeKubernetesV2 {
		_, releases := tbotconfig.KnownTo(tbotconfig.TypeKubernetesV2, "0.0.0")
		return wrong("kube-labels", fmt.Sprintf("Teleport %s with image %s has no output that matches clusters by labels", s.Resolved.ServerVersion, s.Resolved.Image),
			"name the clusters with --kube-cluster, or upgrade: Teleport "+releases+" can")
	}
	server := "v" + strings.TrimPrefix(s.Resolved.ServerVersion, "v")
	flag := "kube-users"
	if s.Impersonates() {
		flag = "argocd-impersonation"
	}
	if s.Acting().AsAnyone() && semver.IsValid(server) && semver.Compare(server, "v"+anyUserSince) < 0 {
		return wrong(flag, fmt.Sprintf("Teleport %s does not take * for any user", s.Resolved.ServerVersion), "name the users, or upgrade: Teleport "+anyUserSince+" and newer does")
	}
	return nil
}

// fits holds the resolved block to the answers: an answer that was changed afterwards must not be overruled in silence, and a
// block that was edited by hand passes the same rules as what is typed.
func fits(s spec.Setup) error {
	r := s.Resolved
	asAnswers := s
	asAnswers.Teleport.ClusterName = r.ClusterName
	asAnswers.Join = spec.Join{Type: r.JoinType, Issuer: r.Issuer}
	if !s.IsAgent() && !onlyTeleport(s) { // whose image is the chart's, and no answer
		asAnswers.Workload.Image, asAnswers.Workload.Registry = r.Image, ""
	}
	if !s.IsAgent() && r.Platform != "" { // the answer may be another, and wins
		asAnswers.Workload.Platform = r.Platform
	}
	if err := asAnswers.Validate(); err != nil {
		return fmt.Errorf("the resolved block is not usable: %w", err)
	}
	joinType := s.Join.Type
	if joinType == spec.JoinAuto {
		joinType = r.JoinType
	}
	for _, pair := range []struct{ flag, asked, resolved string }{
		{"cluster-name", s.Teleport.ClusterName, r.ClusterName},
		{"issuer", s.Join.Issuer, r.Issuer},
		{"join-type", string(joinType), string(r.JoinType)},
	} {
		if pair.asked != "" && pair.asked != pair.resolved {
			return fmt.Errorf("%w: --%s says %s, the resolved block says %s; resolve again with --refresh", ErrNotReady, pair.flag, spec.Quote(pair.asked), spec.Quote(pair.resolved))
		}
	}
	if onlyTeleport(s) {
		return nil
	}
	if s.IsAgent() && !spec.IsRelease(r.ImageVersion()) {
		return fmt.Errorf("%w: the resolved block says image %s, whose version is no release of the chart; resolve again with --refresh", ErrNotReady, spec.Quote(r.Image))
	}
	if !fitsImage(s.Workload, r.Image) {
		return fmt.Errorf("%w: the resolved block says image %s, which does not follow from --image, --registry, --tbot-version and --fips; resolve again with --refresh", ErrNotReady, spec.Quote(r.Image))
	}
	return nil
}

// fitsImage reports whether the answers give this image for some version, the one asked for where there is one.
func fitsImage(w spec.Workload, image string) bool {
	version := image[strings.LastIndex(image, ":")+1:]
	if w.TbotVersion != "" {
		version = w.TbotVersion
	}
	return image == w.ImageFor(version, false) || image == w.ImageFor(version, true)
}

// compactJWKS writes a key set as compact JSON. Teleport checks a static key set only when somebody joins (field-notes P05),
// so what it would stumble over then is refused here, and private key material anyway.
func compactJWKS(text string) (string, error) {
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return "", fmt.Errorf("the JSON Web Key Set is not JSON: %w", err)
	}
	if len(set.Keys) == 0 {
		return "", errors.New("the JSON Web Key Set holds no keys")
	}
	for i, key := range set.Keys {
		// RFC 7518 section 6: d and its companions are private, k is a shared secret.
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, found := key[private]; found {
				return "", fmt.Errorf("key %d of the JSON Web Key Set holds private material (%q); only public keys belong there", i+1, private)
			}
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		return "", fmt.Errorf("the JSON Web Key Set is not JSON: %w", err)
	}
	return compact.String(), nil
}
