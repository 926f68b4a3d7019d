package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"
)

// maxName leaves room for the longest suffix of Names within the 63 characters of a label value.
const maxName = 45

// Teleport puts few limits on resource names; these are the characters that survive a tctl command line, a URL path and a
// user name made of them (teleport-facts 5.2: bot foo becomes user bot-foo).
var teleportName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$`)

// Validate judges every answer that is there; what is missing is not its business (wizard.Missing). The error is *Invalid.
func (s Setup) Validate() error {
	v := &collector{}
	s.validateKubernetes(v)
	s.validateTeleport(v)
	s.validateJoin(v)
	s.Workload.validate(v)
	oneOf(v, "side", s.Side, SideBoth, SideKubernetes, SideTeleport)
	oneOf(v, "access", s.Access, AccessIdentity, AccessKubernetes, AccessArgoCD, AccessNone)
	s.validateReach(v)
	s.validateAgent(v)
	s.validateInCluster(v)
	s.validateArgoCD(v)
	s.validateFiles(v)
	if len(v.fields) == 0 {
		return nil
	}
	return &Invalid{Fields: v.fields}
}

func (s Setup) validateKubernetes(v *collector) {
	if v.dns("name", s.Name, validation.IsDNS1123Label) && len(s.Name) > maxName {
		v.add("name", fmt.Sprintf("%s has %d characters", Quote(s.Name), len(s.Name)), fmt.Sprintf("use at most %d, names are built from it", maxName))
	}
	if ns := s.Kubernetes.Namespace; ns != "" {
		v.dns("namespace", ns, validation.IsDNS1123Label)
	}
	if sa := s.Kubernetes.ServiceAccount; sa != "" {
		v.dns("service-account", sa, validation.IsDNS1123Subdomain)
	}
	if secret := s.Output.Secret; secret != "" {
		if v.dns("output-secret", secret, validation.IsDNS1123Subdomain) && !s.HasOutput() {
			v.add("output-secret", "given, but --access none has no output", "leave one of the two out")
		}
	}
	if s.Output.Fragment != "" {
		v.text("tbot-config", "the file", s.Output.Fragment)
	}
}

func (s Setup) validateTeleport(v *collector) {
	t := s.Teleport
	if t.Proxy != "" {
		if problem, fix := judgeProxy(t.Proxy); problem != "" {
			v.add("proxy", problem, fix)
		}
	}
	if t.ProxyCA != "" && v.text("proxy-ca", "the file", t.ProxyCA) {
		if problem := judgeCertificates(t.ProxyCA); problem != "" {
			v.add("proxy-ca", problem, "give a file with the PEM certificates of the authority that signed the proxy's certificate")
		}
	}
	if t.ClusterName != "" && !isCleanWord(t.ClusterName) {
		v.add("cluster-name", Quote(t.ClusterName)+" is no cluster name", "write it as `cluster_name` stands in https://PROXY/webapi/find")
	}
	for flag, name := range map[string]string{"bot-name": t.BotName, "token-name": t.TokenName} {
		if name != "" && !teleportName.MatchString(name) {
			v.add(flag, Quote(name)+" is no usable name", "use letters, digits and . _ @ + -, starting with a letter or digit, at most 100")
		}
	}
	seen := map[string]bool{}
	for _, role := range t.Roles {
		switch {
		case !isCleanWord(role):
			v.add("roles", Quote(role)+" is no role name", "give role names separated by commas, without spaces")
		case seen[role]:
			v.add("roles", Quote(role)+" stands twice", "name each role once")
		}
		seen[role] = true
	}
}

func (s Setup) validateJoin(v *collector) {
	j := s.Join
	oneOf(v, "join-type", j.Type, JoinAuto, JoinOIDC, JoinStaticJWKS, JoinInCluster)
	if j.Issuer != "" && v.text("issuer", "the issuer", j.Issuer) {
		if problem, fix := judgeIssuer(j.Issuer); problem != "" {
			v.add("issuer", problem, fix)
		}
	}
	if v.text("jwks-file", "the file", j.JWKS) && j.JWKS != "" && j.Type == JoinOIDC {
		v.add("jwks-file", "given, but join type oidc reads the keys from the issuer", "leave it out, or choose --join-type static_jwks")
	}
}

// collector gathers field errors in the order of the flags' appearance.
type collector struct{ fields []FieldError }

func (c *collector) add(flag, problem, fix string) {
	c.fields = append(c.fields, FieldError{Flag: flag, Problem: problem, Fix: fix})
	slices.SortStableFunc(c.fields, func(a, b FieldError) int { return strings.Compare(a.Flag, b.Flag) })
}

// text refuses what no YAML or JSON document can carry, and reports whether the value passed.
func (c *collector) text(flag, what, value string) bool {
	switch {
	case !utf8.ValidString(value):
		c.add(flag, what+" is not UTF-8 text", "")
	case strings.ContainsRune(value, 0):
		c.add(flag, what+" holds a NUL character", "")
	default:
		return true
	}
	return false
}

// dns applies one of Kubernetes' own name rules and reports whether the value passed.
func (c *collector) dns(flag, value string, rule func(string) []string) bool {
	problems := rule(value)
	if len(problems) == 0 {
		return true
	}
	c.add(flag, Quote(value)+" is no name that Kubernetes takes", firstRule(problems))
	return false
}

// firstRule is the first of Kubernetes' complaints without its regular expression.
func firstRule(problems []string) string {
	rule, _, _ := strings.Cut(problems[0], " (e.g.")
	return rule
}

func oneOf[T ~string](c *collector, flag string, value T, allowed ...T) {
	if slices.Contains(allowed, value) {
		return
	}
	words := make([]string, len(allowed))
	for i, a := range allowed {
		words[i] = string(a)
	}
	c.add(flag, Quote(string(value))+" is not known", "use one of "+strings.Join(words, ", "))
}

// isCleanWord refuses what no name of Teleport's can hold in practice: spaces, commas, slashes, control and invisible characters.
func isCleanWord(s string) bool {
	if s == "" || len(s) > 253 || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r <= ' ' || r == ',' || r == '/' || r == '"' || r == 0x7f || Quote(string(r)) != `"`+string(r)+`"` {
			return false
		}
	}
	return true
}
