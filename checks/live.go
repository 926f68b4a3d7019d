package checks

import (
	"context"
	"crypto/x509"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// Live are the facts of one tbot that lives in a cluster, whoever made it: tbotctl, Helm or hands. Each is fetched at its first use
// and shared (wrap it in Once). A nil fact is one that this run cannot have, such as everything of Teleport without a login; an
// error means that the look was impossible, and what hangs on it is unknown. A nil value without an error means that the thing is
// not there.
type Live struct {
	// Workload is the Deployment with the tbot.yaml that it runs by; it is found before any check runs.
	Workload Workload

	// Pods are those of the Deployment, newest first; Logs what they and their previous containers said last, Events what the
	// cluster said of them.
	Pods   func(context.Context) ([]corev1.Pod, error)
	Logs   func(context.Context) ([]Log, error)
	Events func(context.Context) ([]corev1.Event, error)
	// Health is tbot's own word at /readyz, read through the API server.
	Health func(context.Context) (Health, error)
	// ServiceAccount is the pod's, Grants all Roles that are bound to it, in every namespace that an output writes to.
	ServiceAccount func(context.Context) (*corev1.ServiceAccount, error)
	Grants         func(context.Context) ([]Grant, error)
	// May asks the API server what the service account may do.
	May func(context.Context, []Access) []Verdict
	// Namespace is the workload's, Policies the NetworkPolicies that select its pods, Admission what the API server says of a pod
	// made from its template, by a dry run.
	Namespace func(context.Context) (*corev1.Namespace, error)
	Policies  func(context.Context) ([]networkingv1.NetworkPolicy, error)
	Admission func(context.Context) (Admission, error)
	// Output is what stands in the Secret of an output, without its keys; Mounts are the pods that mount it.
	Output func(ctx context.Context, namespace, name string) (*Output, error)
	Mounts func(ctx context.Context, namespace, secret string) ([]string, error)
	// ArgoCDs is the namespace where it holds an Argo CD, and none where it does not.
	ArgoCDs func(ctx context.Context, namespace string) ([]string, error)
	// ClusterSecrets are the names of the Secrets of a namespace by which an Argo CD knows its clusters.
	ClusterSecrets func(ctx context.Context, namespace string) ([]string, error)

	// Token is the join token that tbot.yaml names, TokenNames the names of others like it.
	Token      func(context.Context) (*types.ProvisionTokenV2, error)
	TokenNames func(context.Context) ([]string, error)
	// Bot is the one that the token names, BotRoles its roles, Lock the name of a lock in force on bot or token.
	Bot      func(context.Context) (*machineidv1.Bot, error)
	BotRoles func(context.Context) ([]types.Role, error)
	Lock     func(context.Context) (string, error)
	// Joins are the audit log's bot.join events of the token or the bot, newest first; Instance the bot's newest instance.
	Joins    func(context.Context) ([]JoinEvent, error)
	Instance func(context.Context) (*machineidv1.BotInstance, error)
	// Entry is how the proxy is reached.
	Entry func(context.Context) (Entry, error)
	// TouchWanted tells that admin actions want a touch of a hardware key.
	TouchWanted func(context.Context) (bool, error)

	// MaxAge is how old a certificate and a login may be that show that the setup works; zero for a run that asks for no such proof.
	MaxAge time.Duration
	// Now is the time by the servers' clock; nil takes it from Clocks, else from this machine.
	Now func() time.Time
	// Clocks are the clocks that take part, by the Date headers of their answers.
	Clocks func(context.Context) ([]Clock, error)
	// Presented are the claims of the very token that the pod would present; only where --prove may mint one. Joined is what
	// came of presenting it.
	Presented func(context.Context) (issuer.Claims, error)
	Joined    func(context.Context) (Proof, error)
}

// Workload is a Deployment that runs tbot.
type Workload struct {
	Deployment *appsv1.Deployment
	// Container is the index of tbot's in the pod template.
	Container int
	// Manager is who made it, as its labels and managed fields tell: tbotctl, Helm, or empty.
	Manager string
	// ConfigMap and Key say where tbot.yaml stands, Text what it holds, ConfigErr why it could not be found or read. Config is the
	// strictly decoded one and Problem what is wrong with it.
	ConfigMap, Key, Text string
	ConfigErr            error
	// Beside are the other texts of that ConfigMap, Changed is when it was written last; zero where nothing tells.
	Beside  map[string]string
	Changed time.Time
	Config  tbotconfig.Config
	Problem error
}

// Log is what one container of a pod said last.
type Log struct {
	Pod      string
	Previous bool
	Lines    []string
}

// Health is what tbot says of itself at /readyz (teleport-facts 7).
type Health struct {
	// Code is the HTTP status, Body what came with it, at most 4 KiB; foreign text.
	Code int
	Body string
}

// Grant is one Role or ClusterRole that is bound to the service account.
type Grant struct {
	// Binding is "RoleBinding NAME" or "ClusterRoleBinding NAME", Role "Role NAME" or "ClusterRole NAME"; Namespace is where it
	// holds, empty for everywhere.
	Binding, Role, Namespace string
	Rules                    []rbacv1.PolicyRule
}

// Admission is the API server's word on a pod from the template.
type Admission struct {
	// Refused is why it would not be created, by whom; empty where it would be. Warnings are the Warning headers.
	Refused  string
	Warnings []string
}

// Output is what stands in an output's Secret, as far as it is no secret.
type Output struct {
	Keys []string
	// Certificate is the X.509 certificate in it; nil where there is none that can be read, and then Problem says why.
	Certificate *x509.Certificate
	Problem     string
	// Written is when tbot last wrote it, by managed fields; zero where they do not tell.
	Written     time.Time
	Labels      map[string]string
	Annotations map[string]string
}

// JoinEvent is one bot.join of the audit log.
type JoinEvent struct {
	Time          time.Time
	Success       bool
	Bot, Token    string
	Method, Error string
	// ServiceAccount is namespace/name as the join's attributes say; empty where they do not.
	ServiceAccount string
}

// Entry is how a proxy is reached.
type Entry struct {
	// LoadBalancer tells that something in front of it ends TLS (teleport-facts 1.3).
	LoadBalancer bool
	// PublicAddr is the address that the proxy names for itself; empty where it names none.
	PublicAddr string
}

// Clock is one clock of those that take part.
type Clock struct {
	// Whose is "this machine", "API server", "Teleport proxy" or "issuer".
	Whose string
	// Ahead is how far it is ahead of this machine's; negative is behind.
	Ahead time.Duration
	// Err is why it could not be read.
	Err error
}
