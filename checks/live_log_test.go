package checks

import (
	"strings"
	"testing"
)

// The lines are those of tbot 16 (text), of 17 and newer (text and --log-format json), and what it prints last before it ends
// (teleport-facts 7); Teleport's words in them are recorded (recordings/host-credentials-errors.json).
const (
	wordsAudience = "reviewing kubernetes token with static_jwks\n\tvalidating jwt claims\n\t\tgo-jose/go-jose/jwt: validation failed, invalid audience claim (aud)"
	wordsFixed    = "reviewing kubernetes token with static_jwks: validating jwt claims: go-jose/go-jose/jwt: validation failed, invalid audience claim (aud)"
)

func lines(text string) []string { return strings.Split(text, "\n") }

func TestListen(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		logs   []Log
		told   bool
		fine   bool
		aspect aspect
		text   string
	}{
		"nobody said anything":   {},
		"a pod that only starts": {logs: []Log{{Pod: "a", Lines: lines("INFO [TBOT] Created directory \"/opt\". tbot.go:1\nDEBU [TBOT] Loading config. x.go:2")}}},
		"16 joined": {
			logs: []Log{{Pod: "a", Lines: lines("2024-02-20T10:00:00Z INFO [TBOT:IDENT] Fetching bot identity using token. tbot/service.go:1\n2024-02-20T10:00:01Z INFO [TBOT:IDENT] Fetched new bot identity. identity=x tbot/service.go:2")}},
			told: true, fine: true, aspect: ofJoining, text: "Fetched new bot identity. identity=x tbot/service.go:2",
		},
		"16 on a terminal": {
			logs: []Log{{Pod: "a", Lines: lines("\x1b[36mINFO\x1b[0m [TBOT]      Fetched new bot identity. tbot/service.go:2")}},
			told: true, fine: true, aspect: ofJoining, text: "Fetched new bot identity. tbot/service.go:2",
		},
		"18 joined, JSON": {
			logs: []Log{{Pod: "a", Lines: lines(`{"timestamp":"2025-10-01T10:00:00Z","level":"info","caller":"x.go:1","message":"Fetched new bot identity","component":"tbot","identity":{"user":"bot-a"}}`)}},
			told: true, fine: true, aspect: ofJoining, text: "Fetched new bot identity",
		},
		"slog's own text": {
			logs: []Log{{Pod: "a", Lines: lines(`time=2025-10-01T10:00:00.000Z level=INFO msg="Initializing bot identity"` + "\n" + `time=2025-10-01T10:00:00.000Z level=ERROR msg="Failed to fetch bot identity" error="kubernetes token did not match any allow rules"`)}},
			told: true, aspect: ofJoining, text: "kubernetes token did not match any allow rules",
		},
		"an error over several lines": {
			logs: []Log{{Pod: "a", Lines: lines("2025-10-01T10:00:00.000Z ERRO [TBOT:IDEN] Failed to join error:[" + wordsAudience + "] internal/identity.go:10\n2025-10-01T10:00:01.000Z INFO [TBOT] Waiting")}},
			told: true, aspect: ofJoining, text: wordsFixed,
		},
		"JSON with an error of several lines": {
			logs: []Log{{Pod: "a", Lines: lines(`{"level":"warning","message":"Task failed. Backing off and retrying","error":{"message":"reviewing kubernetes token with static_jwks\n\tvalidating jwt claims\n\t\tgo-jose/go-jose/jwt: validation failed, invalid audience claim (aud)"}}`)}},
			told: true, aspect: ofJoining, text: wordsFixed,
		},
		"what it prints last": {
			logs: []Log{{Pod: "a", Lines: lines("INFO [TBOT] Fetching bot identity using token. x.go:1\nERROR: " + wordsAudience)}},
			told: true, aspect: ofJoining, text: wordsFixed,
		},
		"the report of --debug": {
			logs: []Log{{Pod: "a", Lines: lines("ERROR REPORT:\nOriginal Error: *trace.AccessDeniedError kubernetes token did not match any allow rules\nStack Trace:\n\t/go/lib/auth/join.go:100 auth.join\n\t/go/tbot/main.go:3 main.main\nUser Message: kubernetes token did not match any allow rules")}},
			told: true, aspect: ofJoining, text: "User Message: kubernetes token did not match any allow rules",
		},
		"a success ends a failure": {
			logs: []Log{{Pod: "a", Lines: lines("WARN [TBOT] Failed. error:[access denied] x.go:1\nINFO [TBOT] Renewed bot identity. Next bot identity renewal in 20m. x.go:2")}},
			told: true, fine: true, aspect: ofJoining, text: "Renewed bot identity. Next bot identity renewal in 20m. x.go:2",
		},
		"a refused renewal is not undone by outputs of the old identity": {
			logs: []Log{{Pod: "a", Lines: lines("WARN [TBOT] Failed to renew bot identity. Will attempt to proceed with the old identity error:[access denied] x.go:1\nINFO [TBOT] Generated output. x.go:2")}},
			told: true, aspect: ofJoining, text: "access denied",
		},
		"an output that fails after the join": {
			logs: []Log{{Pod: "a", Lines: lines("INFO [TBOT] Fetched new bot identity. x.go:1\nWARN [TBOT] Failed to render output error:[at least one role request is required] x.go:2")}},
			told: true, aspect: ofJoining, text: "at least one role request is required",
		},
		"the present container has said nothing": {
			logs: []Log{{Pod: "a", Previous: true, Lines: lines("ERROR: kubernetes token did not match any allow rules")}, {Pod: "a", Lines: lines("INFO [TBOT] Starting. x.go:1")}},
			told: true, aspect: ofJoining, text: "kubernetes token did not match any allow rules",
		},
		"the newest pod counts": {
			logs: []Log{{Pod: "new", Lines: lines("INFO [TBOT] Fetched new bot identity")}, {Pod: "old", Lines: lines("ERROR: kubernetes token did not match any allow rules")}},
			told: true, fine: true, aspect: ofJoining, text: "Fetched new bot identity",
		},
		"a warning that nobody knows is no failure": {
			logs: []Log{{Pod: "a", Lines: lines("WARN [TBOT] Config option certificate_ttl is deprecated. x.go:1")}},
		},
		"an error that nobody knows is one": {
			logs: []Log{{Pod: "a", Lines: lines("ERRO [TBOT] The moon is in the wrong place. x.go:1")}},
			told: true, aspect: ofAnything, text: "The moon is in the wrong place. x.go:1",
		},
		"until something goes well": {
			logs: []Log{{Pod: "a", Lines: lines("ERRO [TBOT] The moon is in the wrong place. x.go:1\nINFO [TBOT] Renewed bot identity. x.go:2")}},
			told: true, fine: true, aspect: ofJoining, text: "Renewed bot identity. x.go:2",
		},
		"of a quiet pod only tasks are heard": {
			logs: []Log{{Pod: "a", Lines: lines(`{"level":"info","message":"Task succeeded. Waiting interval","task":"heartbeat"}`)}},
			told: true, fine: true, aspect: ofAnything, text: "Task succeeded. Waiting interval task:heartbeat",
		},
		"the task that joins": {
			logs: []Log{{Pod: "a", Lines: lines(`{"level":"info","message":"Task succeeded. Waiting interval","task":"bot-identity-renewal"}`)}},
			told: true, fine: true, aspect: ofJoining, text: "Task succeeded. Waiting interval task:bot-identity-renewal",
		},
		"an output tells of a join that is out of sight": {
			logs: []Log{{Pod: "a", Lines: lines("INFO [TBOT] Generated output. x.go:1")}},
			told: true, fine: true, aspect: ofJoining, text: "Generated output. x.go:1",
		},
		"an output that fails while joins go on": {
			logs: []Log{{Pod: "a", Lines: lines("WARN [TBOT] x error:[unable to detect namespace from POD_NAMESPACE environment variable] x.go:1\nINFO [TBOT] Renewed bot identity. x.go:2")}},
			told: true, aspect: ofOutputs, text: "unable to detect namespace from POD_NAMESPACE environment variable",
		},
		"an error without a word": {
			logs: []Log{{Pod: "a", Lines: lines("ERRO [TBOT] Something error:[] x.go:1")}},
			told: true, aspect: ofAnything, text: "Something error:[] x.go:1",
		},
		"no JSON after all": {
			logs: []Log{{Pod: "a", Lines: lines("{half a line\n{\"level\":7,\"message\":[]}")}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, told := listen(row.logs)
			if told != row.told || got.fine != row.fine || got.aspect != row.aspect || got.text != row.text {
				t.Errorf("heard %+v, %v; want %+v", got, told, row)
			}
		})
	}
}

// TestCauseFromTheLogAlone is the namespace viewer who has no login to Teleport: what tbot says is enough for the cause and the fix.
func TestCauseFromTheLogAlone(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		said     string
		manager  string
		id, what string
		fix      string
	}{
		"P01": {said: "ERROR: " + wordsAudience, id: "P01", what: "meant for somebody else", fix: `[{"op":"add","path":"/spec/template/spec/volumes/0/projected/sources/0/serviceAccountToken/audience","value":"lab.example.com"}]`},
		"P03": {said: "ERROR: reviewing kubernetes token with static_jwks\n\tvalidating jwt signature\n\t\tgo-jose/go-jose: unsupported key type/format", id: "P03", what: "lacks the key", fix: "tctl edit token/door"},
		"P03, ours": {
			said: "ERROR: reviewing kubernetes token with static_jwks\n\tvalidating jwt signature\n\t\tgo-jose/go-jose: JWK with matching kid not found in JWK Set", manager: "tbotctl",
			id: "P03", what: "lacks the key", fix: "run the same tbotctl init again",
		},
		"P06":                            {said: `ERROR: "" can not join the cluster with role "Bot", token expired or not found`, id: "P06", what: "no join token of this name", fix: "tctl get token/door"},
		"P07":                            {said: "ERROR: kubernetes token did not match any allow rules", id: "P07", what: "does not let this service account in", fix: "machines:tbot"},
		"P09":                            {said: "ERROR: reviewing kubernetes token with static_jwks\n\tstatic_jwks joining requires the use of a service account token with a TTL of less than 30m0s", id: "P09", what: "lives too long", fix: `"value":600`},
		"P17":                            {said: "ERROR: access denied", id: "P17", what: "does not say why", fix: "tctl get token/door"},
		"P19":                            {said: "ERROR: unable to detect namespace from POD_NAMESPACE environment variable", id: "P19", what: "does not know its namespace", fix: `"fieldPath":"metadata.namespace"`},
		"P20":                            {said: `ERROR: secrets "tbot-out" is forbidden: User "system:serviceaccount:machines:tbot" cannot patch resource "secrets" in API group "" in the namespace "machines"`, id: "P20", what: "may not write its output", fix: "kubectl --namespace machines create role tbot-tbot-out --verb=get,patch,create --resource=secrets --resource-name=tbot-out && kubectl --namespace machines create rolebinding tbot-tbot-out --role=tbot-tbot-out --serviceaccount=machines:tbot"},
		"P20, JSON":                      {said: `{"level":"error","message":"Failed to init destination","error":"secrets \"tbot-out\" is forbidden: User \"system:serviceaccount:machines:tbot\" cannot get resource \"secrets\" in API group \"\" in the namespace \"other\""}`, id: "P20", what: "may not write its output", fix: "kubectl --namespace other create role"},
		"P22":                            {said: "ERROR: Destination kubernetes_secret: out must be a directory in exec plugin mode", id: "P22", what: "exec plugin", fix: "kubectl --namespace machines edit configmap tbot-config"},
		"P33":                            {said: "ERRO [TBOT] Failed error:[client version is unsupported, minimum supported version is 17.0.0] x.go:1", id: "P33", what: "older than the Teleport cluster takes", fix: "kubectl --namespace machines set image deployment/tbot tbot=public.ecr.aws/gravitational/tbot-distroless:18.2.0"},
		"P39":                            {said: "ERRO [TBOT] Failed error:[Get https://teleport.example.com/webapi/find: dial tcp 10.0.0.1:443: i/o timeout] x.go:1", id: "P39", what: "does not get through", fix: "networkpolicies"},
		"P30":                            {said: `ERRO [TBOT] x error:[Teleport proxy "x" appears to be behind a Layer 7 load balancer that does not support ALPN] x.go:1`, id: "P30", what: "ends TLS", fix: "layer 4"},
		"P31":                            {said: "ERRO [TBOT] x error:[dial: set proxy_server to teleport.example.com:443] x.go:1", id: "P31", what: "has no port", fix: "sed"},
		"P36":                            {said: `ERRO [TBOT] x error:[renewable cert generation mismatch for bot robot: stored=3, presented=2] x.go:1`, id: "P36", what: "two tbots", fix: `"path":"/spec/replicas","value":1`},
		"P37":                            {said: "ERRO [TBOT] x error:[tls: failed to verify certificate: x509: certificate has expired or is not yet valid] x.go:1", id: "P37", what: "by the pod's clock", fix: "timedatectl"},
		"P23":                            {said: `WARN [TBOT] x error:[kubernetes cluster "prod" not found] x.go:1`, id: "P23", what: "do not reach", fix: "tctl get kube_server"},
		"a private authority":            {said: "ERRO [TBOT] x error:[tls: failed to verify certificate: x509: certificate signed by unknown authority] x.go:1", what: "does not trust", fix: "--proxy-ca"},
		"a tbot.yaml of another release": {said: "ERROR: failed parsing config file: line 3: field proxy_server not found", what: "cannot read its tbot.yaml", fix: "kubectl --namespace machines edit configmap tbot-config"},
		"P20, cut short":                 {said: `ERROR: secrets is forbidden: User "system:serviceaccount:machines:tbot" cannot list`, id: "P20", what: "may not write", fix: "kubectl auth can-i --list --as system:serviceaccount:machines:tbot"},
		"nobody's":                       {said: "ERRO [TBOT] The moon is in the wrong place. x.go:1", what: "a reason that tbotctl does not know", fix: "kubectl --namespace machines logs deployment/tbot --container tbot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			side := soundSide(t)
			side.workload.Manager = row.manager
			facts := side.facts()
			facts.Live = &Live{Workload: side.workload, Logs: just([]Log{{Pod: "tbot-1", Lines: lines(row.said)}})}
			finding := onlyOne(t, JoinSaid, facts)
			if finding.Status != Fail || !strings.HasPrefix(finding.Observed, row.id) || !strings.Contains(finding.Observed, row.what) ||
				!strings.Contains(finding.Observed, "pod tbot-1 says: ") || !strings.Contains(finding.Fix, row.fix) {
				t.Errorf("finding %+v, want %s with %q and the fix %q", finding, row.id, row.what, row.fix)
			}
		})
	}
}

// TestLongWordsAreCut: an issuer may answer Teleport with a page.
func TestLongWordsAreCut(t *testing.T) {
	t.Parallel()
	side := soundSide(t)
	side.logs[0].Lines = []string{"ERROR: kubernetes token did not match any allow rules " + strings.Repeat("é", 5000)}
	finding := onlyOne(t, JoinSaid, side.facts())
	if finding.Status != Fail || len([]rune(finding.Observed)) > 1000 || !strings.HasSuffix(finding.Observed, "é…") {
		t.Errorf("%d runes: %s", len([]rune(finding.Observed)), finding.Observed)
	}
}

func onlyOne(t *testing.T, id ID, facts *Facts) Finding {
	t.Helper()
	for _, one := range teleportSideChecks() {
		if one.ID == id {
			return Run(t.Context(), []Check{one}, facts, func(Result) {})[0].Finding
		}
	}
	t.Fatalf("no check %s", id)
	return Finding{}
}
