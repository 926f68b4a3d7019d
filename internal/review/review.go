// Package review writes the page that a security reviewer reads and signs: what an installation is, in Markdown, made of its rendered
// objects. It looks nothing up and prints no secret: what a cluster said is handed to it.
package review

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/rights"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/manifests"
)

// Page is what the page is made of.
type Page struct {
	// Setup is resolved, and Set what it renders to.
	Setup spec.Setup
	Set   manifests.Set
	// Render is the command that prints the manifests, Needs what init needs and Permissions the command that prints that.
	Render, Permissions string
	Needs               rights.List
	// Answers are those that are not the default, as flag and value.
	Answers [][2]string
	// Live is what a cluster said; nil where none was asked.
	Live *Live
}

// Live is what the Kubernetes cluster says of who may become the bot.
type Live struct {
	// Where is the cluster for people: context and address.
	Where    string
	Subjects []Subject
	// Err is why that is not known; Subjects then mean nothing.
	Err error
}

// Subject is a user, a group or a service account that may become the bot.
type Subject struct {
	// Name is "group devs"; Powers are half sentences, and By the bindings that give them.
	Name   string
	Powers []string
	By     []string
}

// Write writes the page. The same Page gives the same bytes.
func Write(w io.Writer, from Page) error {
	p := &page{}
	from.summary(p)
	from.join(p)
	from.become(p)
	if err := from.objects(p); err != nil {
		return err
	}
	from.leaves(p)
	from.needed(p)
	from.answers(p)
	from.signature(p)
	if _, err := io.WriteString(w, p.text.String()); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// Digest is the SHA-256 of the manifests as render prints them, in hex.
func Digest(set manifests.Set) (string, error) {
	var stream bytes.Buffer
	if err := set.Write(&stream); err != nil {
		return "", err
	}
	return DigestOf(stream.String()), nil
}

// DigestOf is the SHA-256 of a text, in hex.
func DigestOf(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// stream is what render prints: what is the targets' and Helm's stands in files of its own.
func (from Page) stream() manifests.Set { return from.Set.Side(from.Setup.Side) }

func (from Page) summary(p *page) {
	s, n := from.Setup, from.Setup.Names()
	what := "tbot"
	if s.IsAgent() {
		what = "the join of a teleport-kube-agent"
	}
	p.head(1, fmt.Sprintf("Review of %s: installation %s", what, code(s.Name)))
	p.item("Kubernetes namespace: " + code(n.Namespace) + clusterWords(s))
	p.item("Teleport cluster: " + code(s.Resolved.ClusterName) + ", through proxy " + code(s.Teleport.Proxy))
	digest, err := Digest(from.stream())
	if err == nil { // which a buffer never gives
		p.item("SHA-256 of the manifests: " + code(digest))
	}
	commands := []string{from.Render + " | sha256sum"}
	for _, file := range from.Set.Files() {
		if from.Setup.Side == spec.SideBoth && slices.ContainsFunc(from.Set.Targets(), func(r manifests.Resource) bool { return bytes.Equal(r.YAML, file.Data) }) {
			p.item("SHA-256 of " + code(file.Path) + ", which --out-dir writes for the clusters that the bot reaches: " + code(DigestOf(string(file.Data))))
		}
	}
	if values := from.Set.Values(); values != nil {
		p.item("SHA-256 of the values for Helm: " + code(DigestOf(string(values))))
		commands = append(commands, from.Render+" --values | sha256sum")
	}
	p.text.WriteString("\n")
	p.say("This page was made of these manifests and belongs to no others. To see the digest of what would be applied now:")
	p.block(commands...)
}

// clusterWords tell which Kubernetes cluster it is, as far as the answers have looked.
func clusterWords(s spec.Setup) string {
	if s.Resolved.ClusterID == "" {
		return ""
	}
	return ", in the cluster that tbotctl knows as " + code(s.Resolved.ClusterID)
}

func (from Page) join(p *page) {
	s, n := from.Setup, from.Setup.Names()
	p.head(2, "Who is let in")
	if s.IsAgent() {
		p.item(fmt.Sprintf("Pods of service account %s may join as %s, and as nothing else.", code(n.Namespace+"/"+n.ServiceAccount), codes(s.Agent.Roles)))
	} else {
		p.item(fmt.Sprintf("Pods of service account %s may join as bot %s%s.", code(n.Namespace+"/"+n.ServiceAccount), code(n.Bot), rolesOf(s)))
	}
	reason := ""
	if s.Resolved.Reason != "" {
		reason = ", because: " + code(s.Resolved.Reason)
	}
	p.item(fmt.Sprintf("The join type is %s%s.", code(string(s.Resolved.JoinType)), reason))
	switch s.Resolved.JoinType {
	case spec.JoinOIDC:
		p.item("Teleport takes the keys from the issuer " + code(s.Resolved.Issuer) + " each time. Whoever holds that address, its DNS name or its certificate decides who joins.")
	case spec.JoinStaticJWKS:
		p.item("Teleport takes these public keys, and no others until the join token is changed. Whoever holds one of the private keys, or may have the API server sign with it, decides who joins. RFC 7638 thumbprints:")
		for _, key := range thumbprints(s.Resolved.JWKS) {
			p.sub(key)
		}
	case spec.JoinInCluster:
		p.item("The Auth Service asks the Kubernetes cluster that it runs in itself, by a TokenReview. Whoever may change that API server's answer decides who joins.")
	case spec.JoinAuto:
	}
	audience := s.Resolved.TokenAudience()
	if audience == "" {
		p.item("The token that pods join with has the API server's own audience, so it opens the API server too.")
	} else {
		p.item("The token that pods join with is for the audience " + code(audience) + ", which is not the API server's own.")
	}
}

// rolesOf are the words for what the bot may have.
func rolesOf(s spec.Setup) string {
	if roles := s.BotRoles(); len(roles) > 0 {
		return ", with the Teleport roles " + codes(roles)
	}
	return ", with no Teleport roles"
}

// thumbprints name the keys of a set, each with its kid.
func thumbprints(jwks string) []string {
	keys, _, err := issuer.ParseJWKS(jwks)
	if err != nil {
		return []string{"not readable: " + code(err.Error())}
	}
	prints, ids := issuer.Thumbprints(keys), keys.IDs()
	lines := make([]string, len(keys))
	for i := range keys {
		lines[i] = fmt.Sprintf("%s, kid %s", code(prints[i]), code(ids[i]))
	}
	return lines
}

func (from Page) leaves(p *page) {
	s := from.Setup
	p.head(2, "What leaves the cluster")
	p.item("To proxy " + code(s.Teleport.Proxy) + ": the service account token that joins, and certificate requests. Private keys do not leave the pod but in the Secrets above.")
	telemetry := "off: nothing is sent"
	if s.Workload.Telemetry {
		telemetry = "on: tbot tells Teleport's makers, anonymously, that it was started and how"
	}
	if s.IsAgent() {
		p.item("Image and telemetry are those of the Helm chart, version " + code(s.Resolved.ImageVersion()) + ".")
	} else {
		p.item("Telemetry is " + telemetry + ".")
		p.item("The image comes from " + code(s.Resolved.Image) + ".")
		config := tbotconfig.For(s)
		for _, output := range config.Outputs {
			p.item(fmt.Sprintf("Credentials of the output %s live for %s and are renewed; who copies them can use them until they end.", code(output.Shared().Type), lifetime(config.Lifetime(output))))
		}
	}
	p.item("tbotctl itself sends nothing to anybody but both clusters and, for the join type, the address of the issuer.")
}

func (from Page) needed(p *page) {
	p.head(2, "What tbotctl init needs")
	p.say("Whoever runs it holds these for as long as it takes, and tbot none of them. As text and as roles:")
	p.block(from.Permissions, from.Permissions+" --as-yaml")
	p.text.WriteString("\n")
	for _, place := range from.Needs.Places(false, rights.Required, rights.Looks) {
		where := "in the whole cluster"
		if place.Namespace != "" {
			where = "in namespace " + code(place.Namespace)
		}
		p.item("Kubernetes, " + where)
		rules(p, place.Rules)
	}
	for _, place := range from.Needs.Places(true, rights.Required, rights.Looks) {
		p.item("each cluster of --target-context")
		rules(p, place.Rules)
	}
	said := false
	for _, need := range from.Needs.Teleport {
		if need.Informs {
			continue
		}
		if !said {
			p.item("Teleport")
			said = true
		}
		p.sub(code(need.Kind+": "+strings.Join(need.Verbs, ", ")) + ": " + need.For)
	}
}

func rules(p *page, all []rights.Rule) {
	for _, rule := range all {
		p.sub(code(rule.Text()) + ": " + rule.For)
	}
}

func (from Page) answers(p *page) {
	p.head(2, "What was chosen")
	if len(from.Answers) == 0 {
		p.say("Nothing but the defaults.")
		return
	}
	p.say("Every answer that is not the default:")
	p.text.WriteString("\n")
	for _, answer := range from.Answers {
		words := code("--" + answer[0])
		if answer[1] != "true" {
			words += " " + code(answer[1])
		}
		p.item(words)
	}
}

func (from Page) signature(p *page) {
	p.head(2, "Signed")
	p.text.WriteString("| Name | Date | First eight digits of the digest |\n|---|---|---|\n|  |  |  |\n")
}
