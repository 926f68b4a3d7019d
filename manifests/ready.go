package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// ErrNotReady marks a Setup that lacks something that rendering reads.
var ErrNotReady = errors.New("not ready to render")

// ready says why a Setup cannot be rendered: invalid, incomplete, or with a resolved block that no longer fits the answers.
func ready(s spec.Setup) error {
	if err := s.Validate(); err != nil {
		return err
	}
	var missing []string
	for flag, value := range map[string]string{
		"namespace":  s.Kubernetes.Namespace,
		"proxy":      s.Teleport.Proxy,
		"bot-name":   s.Teleport.BotName,
		"token-name": s.Teleport.TokenName,
	} {
		if value == "" {
			missing = append(missing, "--"+flag)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("%w: missing %s", ErrNotReady, strings.Join(missing, ", "))
	}
	if s.HasOutput() && len(s.Teleport.Roles) == 0 {
		return fmt.Errorf("%w: missing --roles; a bot without roles joins and then cannot write its output (`at least one role request is required`)", ErrNotReady)
	}
	if !s.Resolved.Complete() {
		return fmt.Errorf("%w: cluster name, image, join type and its issuer or keys have to be resolved first", ErrNotReady)
	}
	return fits(s)
}

// fits holds the resolved block to the answers: an answer that was changed afterwards must not be overruled in silence, and a
// block that was edited by hand passes the same rules as what is typed.
func fits(s spec.Setup) error {
	r := s.Resolved
	asAnswers := s
	asAnswers.Teleport.ClusterName = r.ClusterName
	asAnswers.Join = spec.Join{Type: r.JoinType, Issuer: r.Issuer}
	asAnswers.Workload.Image, asAnswers.Workload.Registry = r.Image, ""
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
