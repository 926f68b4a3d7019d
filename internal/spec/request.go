package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

	"gopkg.in/yaml.v3"
)

// KindRequest marks a request, beside Kind for answers.
const KindRequest = "Request"

// Request is what whoever does the Teleport side has to grant so that one service account can join. It holds no secret: names, and
// public keys. It is written where the Kubernetes side is made, and read where the Teleport side is.
type Request struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	// Digest is over all the rest; see Fingerprint.
	Digest     string            `yaml:"digest"`
	Name       string            `yaml:"name"`
	Workload   WorkloadKind      `yaml:"workload"`
	Kubernetes RequestKubernetes `yaml:"kubernetes"`
	Teleport   RequestTeleport   `yaml:"teleport"`
	Join       RequestJoin       `yaml:"join"`
	// Access, Reach and Impersonation say what the bot is for. The contexts of Reach are a kubeconfig's and stay at home.
	Access        Access `yaml:"access"`
	Reach         Reach  `yaml:"reach,omitempty"`
	Impersonation bool   `yaml:"impersonation,omitempty"`
	// AgentRoles are the system roles of an agent's join token.
	AgentRoles []string `yaml:"agentRoles,omitempty"`
}

// RequestKubernetes says whose tokens are to be let in.
type RequestKubernetes struct {
	// ClusterID are the eight hex digits of Resolved.ClusterID.
	ClusterID      string `yaml:"clusterID"`
	Namespace      string `yaml:"namespace"`
	ServiceAccount string `yaml:"serviceAccount"`
}

// RequestTeleport says where, as which bot, by which join token and with which roles.
type RequestTeleport struct {
	Cluster string   `yaml:"cluster"`
	Proxy   string   `yaml:"proxy"`
	ProxyCA string   `yaml:"proxyCA,omitempty"`
	Bot     string   `yaml:"bot,omitempty"`
	Token   string   `yaml:"token"`
	Roles   []string `yaml:"roles,omitempty"`
}

// RequestJoin says how the Auth Service verifies the service account tokens.
type RequestJoin struct {
	// Type is never auto.
	Type   JoinType `yaml:"type"`
	Issuer string   `yaml:"issuer,omitempty"`
	// JWKS is compact JSON of public keys; only where Type is static_jwks.
	JWKS string `yaml:"jwks,omitempty"`
	// Thumbprints name the keys that the cluster signs with (RFC 7638, SHA-256, base64url), in the order of their kids. Where there is a
	// JWKS they are those of its keys.
	Thumbprints []string `yaml:"thumbprints,omitempty"`
}

// Altered means that a request is not what was written: somebody changed it, or put keys into it that it does not name.
type Altered struct{ Problem string }

func (e *Altered) Error() string {
	return e.Problem + "; have the Kubernetes side write it anew (tbotctl init --side kubernetes --request FILE)"
}

// RequestOf is what a Setup asks of the Teleport side, once both clusters are known. thumbprints are those of the Kubernetes cluster's
// keys.
func RequestOf(s Setup, thumbprints []string) Request {
	n, resolved := s.Names(), Resolved{}
	if s.Resolved != nil {
		resolved = *s.Resolved
	}
	reach := s.Reach
	reach.Contexts = nil
	r := Request{
		APIVersion: APIVersion, Kind: KindRequest, Name: s.Name, Workload: s.Workload.Kind,
		Kubernetes: RequestKubernetes{ClusterID: resolved.ClusterID, Namespace: n.Namespace, ServiceAccount: n.ServiceAccount},
		Teleport: RequestTeleport{
			Cluster: resolved.ClusterName, Proxy: s.Teleport.Proxy, ProxyCA: s.Teleport.ProxyCA, Bot: n.Bot, Token: n.Token, Roles: s.Teleport.Roles,
		},
		Join:   RequestJoin{Type: resolved.JoinType, Issuer: resolved.Issuer, JWKS: resolved.JWKS, Thumbprints: thumbprints},
		Access: s.Access, Reach: reach, Impersonation: s.ArgoCD.Impersonation, AgentRoles: s.Agent.Roles,
	}
	r.Digest = r.Fingerprint()
	return r
}

// Setup is the request as answers, with what was looked up as resolved. The image is nobody's business here, and empty.
func (r Request) Setup() Setup {
	s := Default()
	s.deploy(r.Workload)
	s.Name, s.Access, s.Reach = r.Name, r.Access, r.Reach
	s.Kubernetes.Namespace, s.Kubernetes.ServiceAccount = r.Kubernetes.Namespace, r.Kubernetes.ServiceAccount
	s.Teleport = Teleport{
		Proxy: r.Teleport.Proxy, ProxyCA: r.Teleport.ProxyCA, BotName: r.Teleport.Bot, TokenName: r.Teleport.Token, Roles: r.Teleport.Roles,
	}
	s.Join.Type = r.Join.Type
	s.ArgoCD.Impersonation = r.Impersonation
	s.Agent.Roles = r.AgentRoles
	s.Resolved = &Resolved{
		ClusterName: r.Teleport.Cluster, JoinType: r.Join.Type, Reason: "as the request says", Issuer: r.Join.Issuer, JWKS: r.Join.JWKS,
		ClusterID: r.Kubernetes.ClusterID,
	}
	return s
}

// Fingerprint is "sha256:" and the base64url of the SHA-256 over everything but the digest itself, whatever the file's layout. Two
// people who read the same one to each other hold the same request; that it stands in the file only finds a slip.
func (r Request) Fingerprint() string {
	r.Digest = ""
	// What is plain data can be written, and the test of it holds that.
	text, _ := MarshalYAML(r)
	sum := sha256.Sum256(text)
	return "sha256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// SaveRequest writes a request so that LoadRequest gives the same back.
func SaveRequest(w io.Writer, r Request) error {
	text, err := MarshalYAML(r)
	if err == nil {
		_, err = w.Write(append([]byte(requestHead), text...))
	}
	if err != nil {
		return fmt.Errorf("writing the request: %w", err)
	}
	return nil
}

const requestHead = `# What the Teleport side has to grant; no secrets. Whoever does that runs:
#   tbotctl init --side teleport --from THIS-FILE
`

// LoadRequest reads a request as strictly as Load reads answers. thumbprints gives those of a JSON Web Key Set. The error is *Altered
// where the content is not what was written, *Invalid where a name is unusable.
func LoadRequest(reader io.Reader, thumbprints func(jwks string) ([]string, error)) (Request, error) {
	data, err := Read(reader)
	if err != nil {
		return Request{}, err
	}
	var r Request
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&r); err != nil {
		return Request{}, fmt.Errorf("the request cannot be read: %s", YAMLError(err))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Request{}, errors.New("the request holds more than one YAML document")
	}
	if r.APIVersion != APIVersion || r.Kind != KindRequest {
		return Request{}, fmt.Errorf("this is apiVersion %s, kind %s; a request is apiVersion %s, kind %s", Quote(r.APIVersion), Quote(r.Kind), APIVersion, KindRequest)
	}
	if is := r.Fingerprint(); is != r.Digest {
		return Request{}, &Altered{fmt.Sprintf("the request was changed after it was written: its digest says %s, and its content has %s", Quote(r.Digest), is)}
	}
	if err := r.complete(); err != nil {
		return Request{}, err
	}
	if err := r.named(thumbprints); err != nil {
		return Request{}, err
	}
	return r, nil
}

// complete holds a request to what nobody can grant it without.
func (r Request) complete() error {
	if r.Workload != WorkloadTbot && r.Workload != WorkloadAgent {
		return &Invalid{Fields: []FieldError{{Flag: "workload", Problem: "the request says " + Quote(string(r.Workload))}}}
	}
	for _, part := range []struct{ what, value string }{
		{"name", r.Name},
		{"kubernetes.clusterID", r.Kubernetes.ClusterID},
		{"kubernetes.namespace", r.Kubernetes.Namespace},
		{"kubernetes.serviceAccount", r.Kubernetes.ServiceAccount},
		{"teleport.cluster", r.Teleport.Cluster},
		{"teleport.proxy", r.Teleport.Proxy},
		{"teleport.token", r.Teleport.Token},
	} {
		if part.value == "" {
			return fmt.Errorf("the request has no %s", part.what)
		}
	}
	if r.Workload == WorkloadTbot && r.Teleport.Bot == "" {
		return errors.New("the request has no teleport.bot")
	}
	if !isClusterID(r.Kubernetes.ClusterID) {
		return fmt.Errorf("the request has kubernetes.clusterID %s, which is not eight hex digits", Quote(r.Kubernetes.ClusterID))
	}
	for _, print := range r.Join.Thumbprints {
		if !isThumbprint(print) {
			return fmt.Errorf("the request has join.thumbprints with %s, which is no base64url of a SHA-256", Quote(print))
		}
	}
	resolved := Resolved{ClusterName: r.Teleport.Cluster, Image: "none", JoinType: r.Join.Type, Issuer: r.Join.Issuer, JWKS: r.Join.JWKS}
	if !resolved.Complete() {
		return fmt.Errorf("the request has join type %s without the issuer or the keys that it takes", Quote(string(r.Join.Type)))
	}
	// What was looked up keeps to the rules for what is typed.
	judged := r.Setup()
	judged.Teleport.ClusterName, judged.Join.Issuer = r.Teleport.Cluster, r.Join.Issuer
	return judged.Validate()
}

// named holds the keys to their thumbprints, which are what people compare.
func (r Request) named(thumbprints func(jwks string) ([]string, error)) error {
	if r.Join.JWKS == "" {
		return nil
	}
	follow, err := thumbprints(r.Join.JWKS)
	switch {
	case err != nil:
		return fmt.Errorf("the request's keys cannot be read: %w", err)
	case !slices.Equal(follow, r.Join.Thumbprints):
		return &Altered{fmt.Sprintf("the request's thumbprints are not those of its keys: it names %v, and its keys have %v", r.Join.Thumbprints, follow)}
	}
	return nil
}

func isThumbprint(print string) bool {
	sum, err := base64.RawURLEncoding.DecodeString(print)
	return err == nil && len(sum) == sha256.Size
}

func isClusterID(id string) bool {
	const digits = 8
	return len(id) == digits && !slices.ContainsFunc([]rune(id), func(c rune) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'f') })
}
