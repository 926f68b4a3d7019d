package cmd_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// The phases of init, in their order.
const (
	phaseChecks   = "checks"
	phaseJoinType = "join type"
	phasePlan     = "plan"
	phaseApply    = "apply"
	phaseProof    = "proof"
	phaseAfter    = "after"
)

func phases() []string {
	return []string{phaseChecks, phaseJoinType, phasePlan, phaseApply, phaseProof, phaseAfter}
}

// phaseWatch reads from what the program writes to a terminal which phase it is in. Each phase announces itself before its first
// request, so whoever sees a request under way finds its phase here.
type phaseWatch struct {
	lock sync.Mutex
	now  string
}

func (w *phaseWatch) phase() string {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.now
}

// Write implements io.Writer; each call is one line of the progress.
func (w *phaseWatch) Write(line []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	announced := map[string]string{
		"  … asking both clusters": phaseChecks, "  … choosing the join type": phaseJoinType,
		"  … comparing with what is there": phasePlan, "  … looking at what was made": phaseAfter,
	}
	applying := w.now == phaseApply || w.now == phaseProof
	switch text := string(line); {
	case announced[text] != "":
		w.now = announced[text]
	case text == "\nApply\n":
		w.now = phaseApply
	case applying && strings.HasPrefix(text, "  … join"):
		w.now = phaseProof
	case applying && strings.HasPrefix(text, "  … "):
		w.now = phaseApply // a write begins
	case applying && strings.HasPrefix(text, "  ✓ "):
		w.now = phaseProof // a write has ended; until the next one begins, only the proof can be at work
	}
	return len(line), nil
}

// request is one request with the phase in which it was seen under way.
type request struct{ phase, name string }

// TestRequests holds the number of requests that a first init makes, by phase and each with its reason; a new one has to be meant.
func TestRequests(t *testing.T) {
	t.Parallel()
	var (
		watch    phaseWatch
		lock     sync.Mutex
		teleport []request
	)
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		lock.Lock()
		defer lock.Unlock()
		teleport = append(teleport, request{watch.phase(), teleportName(r)})
		return nil
	}})
	gateway, err := lab.NewGateway(t.Context(), b.plane)
	if err != nil {
		t.Fatal(err)
	}
	// The phase travels on in the user agent, and so into the API server's own account of the request; the namespace's name is no
	// other test's.
	agent := "tbotctl/" + b.namespace
	kubeconfig, closeIt, err := gateway.Open(b.dir, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("User-Agent", r.UserAgent()+" "+watch.phase())
			next.ServeHTTP(w, r)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeIt)
	runWith(t, func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.Build.Version = b.namespace
		f.Streams.Err = io.MultiWriter(f.Streams.Err, &watch)
		f.Streams.ErrTTY, f.Streams.Unicode = true, true
	}, "", b.initArgs("--no-wait", "--kubeconfig", kubeconfig, "--context", lab.GatewayContext)...).want(t, 0)

	events, err := b.plane.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var kubernetes []request
	for _, event := range events {
		if phase, ours := strings.CutPrefix(event.UserAgent, agent+" "); ours {
			kubernetes = append(kubernetes, request{phase, kubernetesName(event)})
		}
	}
	unsaid := reasons()
	got := counted(t, "Kubernetes", kubernetes, unsaid) + "\n" + counted(t, "Teleport", teleport, unsaid)
	for r := range unsaid {
		t.Errorf("%q is not sent in phase %q any more; its reason can go", r.name, r.phase)
	}
	golden.Assert(t, "requests.txt", []byte(got))
}

// kubernetesName is the verb and the resource, or the path of what is no resource.
func kubernetesName(event testkit.AuditEvent) string {
	name := event.Verb + " " + event.Resource
	if event.Resource == "" {
		path, _, _ := strings.Cut(event.URI, "?")
		name = event.Verb + " " + path
	}
	if event.Subresource != "" {
		name += "/" + event.Subresource
	}
	return name
}

// teleportName is "Service/Method" of a gRPC call, without its package, and the method and path of an HTTP request.
func teleportName(r teleporttest.Request) string {
	service, method, _ := strings.Cut(strings.TrimPrefix(r.Method, "/"), "/")
	if r.Protocol != "grpc" {
		return r.Method
	}
	return service[strings.LastIndex(service, ".")+1:] + "/" + method
}

// counted writes a table of requests with their phases and reasons, and strikes the reasons out that it took.
func counted(t *testing.T, system string, requests []request, unsaid map[request]string) string {
	t.Helper()
	counts, inPhase := map[request]int{}, map[string]int{}
	for _, r := range requests {
		counts[r]++
		inPhase[r.phase]++
	}
	slices.SortFunc(requests, func(a, b request) int {
		return cmp.Or(cmp.Compare(slices.Index(phases(), a.phase), slices.Index(phases(), b.phase)), cmp.Compare(a.name, b.name))
	})
	totals := make([]string, 0, len(phases()))
	for _, phase := range phases() {
		totals = append(totals, fmt.Sprintf("%s %d", phase, inPhase[phase]))
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %d requests (%s)\n", system, len(requests), strings.Join(totals, ", "))
	for _, r := range slices.Compact(requests) {
		reason, known := unsaid[r]
		if !known {
			t.Errorf("nobody says why %q is sent in phase %q", r.name, r.phase)
		}
		delete(unsaid, r)
		fmt.Fprintf(&text, "%4d  %-40s %-9s  %s\n", counts[r], r.name, r.phase, reason)
	}
	return text.String()
}

// reasons say why init sends a request in a phase.
func reasons() map[request]string {
	return map[request]string{
		{phaseChecks, "create selfsubjectaccessreviews"}:       "TBC601: each right that the run needs",
		{phaseChecks, "create serviceaccounts/token"}:          "TBC202: a token's header names the key that signs",
		{phaseChecks, "get /.well-known/openid-configuration"}: "TBC201: the issuer",
		{phaseChecks, "get /openid/v1/jwks"}:                   "TBC202: the keys, before and after the token, for a rotation may roll",
		{phaseChecks, "get /version"}:                          "TBC101: the server answers and takes the login",
		{phaseChecks, "get namespaces"}:                        "TBC103: the namespace exists",
		{phaseJoinType, "get namespaces"}:                      "kube-system's UID tells this cluster from others, and names bot and token",
		{phaseJoinType, "get /apis/security.openshift.io"}:     "whether OpenShift assigns the pod's uid",
		{phasePlan, "list clusterrolebindings"}:                "who else may become the bot",
		{phasePlan, "list clusterroles"}:                       "who else may become the bot",
		{phasePlan, "list rolebindings"}:                       "who else may become the bot",
		{phasePlan, "list roles"}:                              "who else may become the bot",
		{phasePlan, "patch configmaps"}:                        "a dry run: would policies take it",
		{phasePlan, "patch deployments"}:                       "a dry run: would policies take it",
		{phasePlan, "patch rolebindings"}:                      "a dry run: would policies take it",
		{phasePlan, "patch roles"}:                             "a dry run: would policies take it",
		{phasePlan, "patch serviceaccounts"}:                   "a dry run: would policies take it",
		{phasePlan, "get configmaps"}:                          "what there is of it already",
		{phasePlan, "get deployments"}:                         "what there is of it already",
		{phasePlan, "get rolebindings"}:                        "what there is of it already",
		{phasePlan, "get roles"}:                               "what there is of it already",
		{phasePlan, "get serviceaccounts"}:                     "what there is of it already",
		{phaseApply, "patch configmaps"}:                       "the plan says create",
		{phaseApply, "patch deployments"}:                      "the plan says create",
		{phaseApply, "patch rolebindings"}:                     "the plan says create",
		{phaseApply, "patch roles"}:                            "the plan says create",
		{phaseApply, "patch serviceaccounts"}:                  "the plan says create",
		{phaseProof, "create pods"}:                            "the pod that never runs, to bind the token to",
		{phaseProof, "create serviceaccounts/token"}:           "the very token that the pod will present",
		{phaseProof, "delete pods"}:                            "gone again",
		{phaseProof, "get serviceaccounts"}:                    "its UID makes the service account the owner of the probe pod",
		{phaseProof, "list pods"}:                              "left-over probes, then a pod of the service account that runs",

		{phaseChecks, "AuthService/GetCurrentUserRoles"}:      "TBC602: the rights",
		{phaseChecks, "AuthService/GetRole"}:                  "TBC305: the bot's roles exist",
		{phaseChecks, "AuthService/Ping"}:                     "TBC304: the login is taken",
		{phaseChecks, "GET /webapi/find"}:                     "TBC301: who the proxy is, which version, which keys",
		{phaseJoinType, "AuthService/ListProvisionTokens"}:    "a token that admits this service account already is offered, not doubled",
		{phasePlan, "AuthService/GetToken"}:                   "what there is of it already",
		{phasePlan, "BotService/GetBot"}:                      "what there is of it already",
		{phasePlan, "ClusterConfigService/GetAuthPreference"}: "whether administrators need a touch of a key",
		{phaseApply, "AuthService/CreateTokenV2"}:             "the plan says create",
		{phaseApply, "BotService/CreateBot"}:                  "the plan says create",
		{phaseProof, "AuthService/GenerateUserCerts"}:         "the output's certificate",
		{phaseProof, "AuthService/GetClusterCACert"}:          "the output's authorities",
		{phaseProof, "AuthService/GetRole"}:                   "which roles the bot may take",
		{phaseProof, "AuthService/Ping"}:                      "the bot's identity is taken",
		{phaseProof, "JoinService/RegisterUsingToken"}:        "the join",
		{phaseProof, "TrustService/GetCertAuthorities"}:       "the output's authorities: host, user, database",
	}
}
