package cmd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// reasons say why init sends a request; one without a reason fails the test.
func reasons() map[string]string {
	return map[string]string{
		"get /version":                           "TBC101: the server answers and takes the login",
		"get namespaces":                         "TBC103 and the plan: the namespace exists; kube-system's UID names bot and token",
		"get /.well-known/openid-configuration":  "TBC201: the issuer",
		"get /openid/v1/jwks":                    "TBC202: the keys, read before and after the token, for a rotation may roll",
		"create serviceaccounts/token":           "TBC202: the key that signs; the proof: what the pod will present",
		"create selfsubjectaccessreviews":        "TBC601: each right that the run needs",
		"get serviceaccounts":                    "the plan; the proof: the probe pod's owner",
		"get roles":                              "the plan",
		"get rolebindings":                       "the plan",
		"get configmaps":                         "the plan",
		"get deployments":                        "the plan",
		"patch serviceaccounts":                  "apply",
		"patch roles":                            "apply",
		"patch rolebindings":                     "apply",
		"patch configmaps":                       "apply",
		"patch deployments":                      "apply",
		"list pods":                              "the proof: left-over probes, then a pod of the service account that runs",
		"create pods":                            "the proof: the pod that never runs",
		"delete pods":                            "the proof: gone again",
		"GET /webapi/find":                       "TBC301: who the proxy is, which version, which keys",
		"GET /webapi/ping":                       "whether administrators need a touch of a key",
		"AuthService/Ping":                       "TBC304: the login is taken; the proof: the bot's identity is",
		"AuthService/GetCurrentUser":             "TBC602: whose rights",
		"AuthService/GetCurrentUserRoles":        "TBC602: the rights",
		"ClusterConfigService/GetAuthPreference": "whether administrators need a touch of a key",
		"AuthService/GetRole":                    "TBC305: the bot's roles exist; the proof: which roles the bot may take",
		"BotService/GetBot":                      "the plan",
		"AuthService/GetToken":                   "the plan",
		"BotService/CreateBot":                   "apply",
		"AuthService/CreateTokenV2":              "apply",
		"JoinService/RegisterUsingToken":         "the proof: the join",
		"AuthService/GenerateUserCerts":          "the proof: the output's certificate",
		"AuthService/GetClusterCACert":           "the proof: the output's authorities",
		"TrustService/GetCertAuthorities":        "the proof: the output's authorities",
	}
}

// TestRequests holds the number of requests that a first init makes, each with its reason; a new one has to be meant.
func TestRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.teleport.Reset()
	runWith(t, func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.Build.Version = "requests"
	}, "", b.initArgs("--no-wait")...).want(t, 0)

	events, err := b.plane.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var kubernetes, teleport []string
	for _, event := range events {
		if event.UserAgent != "tbotctl/requests" {
			continue
		}
		name := event.Verb + " " + event.Resource
		if event.Resource == "" {
			path, _, _ := strings.Cut(event.URI, "?")
			name = event.Verb + " " + path
		}
		if event.Subresource != "" {
			name += "/" + event.Subresource
		}
		kubernetes = append(kubernetes, name)
	}
	for _, request := range b.teleport.Requests() {
		name := strings.TrimPrefix(request.Method, "/")
		if service, method, found := strings.Cut(name, "/"); found && request.Protocol == "grpc" {
			name = service[strings.LastIndex(service, ".")+1:] + "/" + method
		}
		teleport = append(teleport, strings.Replace(name, "GET webapi", "GET /webapi", 1))
	}
	golden.Assert(t, "requests.txt", []byte(counted(t, "Kubernetes", kubernetes)+"\n"+counted(t, "Teleport", teleport)))
}

// counted writes a table of requests with their reasons.
func counted(t *testing.T, system string, requests []string) string {
	t.Helper()
	counts := map[string]int{}
	for _, request := range requests {
		counts[request]++
	}
	names := slices.Compact(slices.Sorted(slices.Values(requests)))
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %d requests\n", system, len(requests))
	for _, name := range names {
		reason, known := reasons()[name]
		if !known {
			t.Errorf("nobody says why %q is sent", name)
		}
		fmt.Fprintf(&text, "%4d  %-40s %s\n", counts[name], name, reason)
	}
	return text.String()
}
