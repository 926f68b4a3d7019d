package checks

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// partly is a row whose texts are long: parts of them are held.
type partly struct {
	got                     Finding
	status                  Status
	observed, expected, fix string
}

func partlyAll(t *testing.T, rows map[string]partly) {
	t.Helper()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := row.got
			if got.Status != row.status || !strings.Contains(got.Observed, row.observed) || !strings.Contains(got.Expected, row.expected) || !strings.Contains(got.Fix, row.fix) {
				t.Errorf("finding %+v, want %s, %q, %q, %q", got, row.status, row.observed, row.expected, row.fix)
			}
			if got.Observed == "" || got.Status == Fail && (got.Fix == "" || got.Expected == "") {
				t.Errorf("finding %+v leaves a person alone", got)
			}
		})
	}
}

func TestJudgeTokens(t *testing.T) {
	t.Parallel()
	keys := labKeys(t, "key-now")
	w := joining(t, labYAML)
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	with := func(change func(*types.ProvisionTokenV2)) *types.ProvisionTokenV2 {
		token := door(t, keys)
		change(token)
		return token
	}
	ending := func(at time.Time) Finding {
		return judgeTokenEnd(with(func(k *types.ProvisionTokenV2) { k.Metadata.Expires = &at }), now)
	}
	jwks := func(text string) Finding {
		return judgeTokenKeys(with(func(k *types.ProvisionTokenV2) { k.Spec.Kubernetes.StaticJWKS.JWKS = text }), nil)
	}
	asked := joining(t, strings.Replace(labYAML, "join_method: kubernetes", "join_method: token", 1))
	ours := w
	ours.Manager = spec.ManagedBy
	known := Known{ClusterName: "lab.example.com", ServerVersion: "18.2.0", Cluster: issuer.Cluster{Issuer: labIssuer, Keys: keys}}
	public := known
	public.Public = issuer.PublicResult{Reachable: true, Issuer: labIssuer, Keys: keys}
	partlyAll(t, map[string]partly{
		"P06: several names":          {judgeToken(w, nil, []string{"a", "b"}, known), Fail, `"door"`, `"a", "b"`, "edit configmap tbot-config"},
		"P06: ours":                   {judgeToken(ours, nil, nil, known), Fail, `"door"`, `"door"`, "run the same tbotctl init again"},
		"P06: an issuer for all":      {judgeToken(w, nil, nil, public), Fail, `"door"`, `"door"`, `"oidc":{"issuer":"https://issuer.example.com/lab"`},
		"P06: nothing known":          {judgeToken(w, nil, nil, Known{}), Fail, `"door"`, `"door"`, "machines:tbot"},
		"P18: no bot_name":            {judgeTokenUse(w, with(func(k *types.ProvisionTokenV2) { k.Spec.BotName = "" }), ""), Fail, "has no bot_name", "a bot_name", "in the place of BOT"},
		"P18: nothing for kubernetes": {judgeTokenUse(w, with(func(k *types.ProvisionTokenV2) { k.Spec.Kubernetes = nil }), ""), Fail, "no spec.kubernetes", "keys", "tctl edit token/door"},
		"P18: somebody else's method": {judgeTokenUse(w, with(func(k *types.ProvisionTokenV2) { k.Spec.Kubernetes, k.Spec.JoinMethod = nil, types.JoinMethodGitHub }), ""), Fail, `"github"`, `"kubernetes"`, "edit configmap"},
		"P18: tbot.yaml's method":     {judgeTokenUse(asked, door(t, keys), ""), Fail, `tbot.yaml has join_method "token"`, `"kubernetes"`, "sed"},
		"P18: sound":                  {judgeTokenUse(w, door(t, keys), ""), Pass, `bot "robot", type static_jwks`, "", ""},
		"P07: nobody": {judgeAllow("machines:tbot", with(func(k *types.ProvisionTokenV2) {
			k.Spec.Kubernetes.Allow = []*types.ProvisionTokenSpecV2Kubernetes_Rule{nil}
		})), Fail, "allows nobody", `"machines:tbot"`, `"allow":[{"service_account":"machines:tbot"}]`},
		"P07: case counts": {judgeAllow("machines:tbot", with(func(k *types.ProvisionTokenV2) { k.Spec.Kubernetes.Allow[0].ServiceAccount = "machines:Tbot" })), Fail, `"machines:Tbot"`, "letter by letter", `{"service_account":"machines:Tbot"},{"service_account":"machines:tbot"}`},

		"no end":            {judgeTokenEnd(door(t, keys), now), Pass, "it has no end", "", ""},
		"the zero time":     {ending(time.Time{}), Pass, "it has no end", "", ""},
		"the year 1970":     {ending(time.Unix(0, 0)), Pass, "it has no end", "", ""},
		"far away":          {ending(now.Add(8 * 24 * time.Hour)), Pass, "until 2026-11-28T12:00:00Z", "", ""},
		"in six days":       {ending(now.Add(6 * 24 * time.Hour)), Warn, "ends at 2026-11-26T12:00:00Z", "no end", "tctl create -f"},
		"at this very time": {ending(now), Fail, "ended at 2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z", "tctl create -f"},

		"P05: empty":            {jwks(""), Fail, "empty", "compact JSON", "tctl edit token/door"},
		"P05: no keys":          {jwks(`{"keys":[]}`), Fail, "no key", "compact JSON", "tctl edit token/door"},
		"P05: other JSON":       {jwks(`{"issuer":"x","jwks_uri":"y"}`), Fail, "discovery document", "", ""},
		"P05: a list":           {jwks(`[]`), Fail, "not an object", "", ""},
		"a private key":         {jwks(privateKeys(t)), Warn, "private", "", "tctl edit"},
		"a key of unknown kind": {jwks(`{"keys":[{"kty":"XYZ","kid":"a"}]}`), Fail, "door", "compact JSON", ""},
		"sound keys":            {judgeTokenKeys(door(t, keys), nil), Pass, `"key-now"`, "", ""},
	})
}

// privateKeys is a key set that somebody exported whole.
func privateKeys(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jwksOf(t, issuer.Keys{{Key: key, KeyID: "a", Algorithm: "ES256", Use: "sig"}})
}

func TestJudgeTokenTypes(t *testing.T) {
	t.Parallel()
	keys := labKeys(t, "key-now")
	w := joining(t, labYAML)
	plain := joining(t, labYAML)
	plain.Deployment.Spec.Template.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken.Audience = ""
	here := func() *types.ProvisionTokenV2 { return ofType(door(t, keys), types.KubernetesJoinTypeInCluster, "") }
	at := func(version string) Known {
		return Known{ClusterName: "lab.example.com", ServerVersion: version, Cluster: issuer.Cluster{Issuer: labIssuer, Keys: keys}}
	}
	forbidden := outcome{refusal: JudgeRefusal("reviewing kubernetes token with in_cluster\n\terror during the Kubernetes TokenReview\n\t\ttokenreviews.authentication.k8s.io is forbidden: User \"system:serviceaccount:teleport:auth\" cannot create resource", at("18.2.0"))}
	partlyAll(t, map[string]partly{
		"static_jwks anywhere":           {judgeTokenType(w, door(t, keys), at("16.4.7"), outcome{}, false), Pass, "type static_jwks, Teleport 16.4.7", "", ""},
		"oidc on a new server":           {judgeTokenType(w, ofType(door(t, keys), types.KubernetesJoinTypeOIDC, labIssuer), at("18.2.0"), outcome{}, false), Pass, "type oidc", "", ""},
		"oidc on 17.6":                   {judgeTokenType(w, ofType(door(t, keys), types.KubernetesJoinTypeOIDC, labIssuer), at("17.6.9"), outcome{}, false), Fail, "17.6.9", "17.7.0", `"type":"static_jwks"`},
		"in_cluster is not seen":         {judgeTokenType(w, here(), at("18.2.0"), outcome{}, false), Skip, "not seen from here", "", ""},
		"in_cluster, let in":             {judgeTokenType(w, here(), at("18.2.0"), outcome{let: true}, true), Pass, "was let in", "", ""},
		"P02 on 16.4.7":                  {judgeTokenType(w, here(), at("16.4.7"), outcome{}, false), Fail, "P02", "17.0.3", `"op":"remove","path":"/spec/template/spec/volumes/0/projected/sources/0/serviceAccountToken/audience"`},
		"P02 on 17.0.2":                  {judgeTokenType(w, here(), at("17.0.2"), outcome{}, false), Fail, "P02", "", ""},
		"16.4.9 takes the name":          {judgeTokenType(w, here(), at("16.4.9"), outcome{}, false), Skip, "", "", ""},
		"an old server's own audience":   {judgeTokenType(plain, here(), at("16.4.7"), outcome{}, false), Skip, "", "", ""},
		"15 asks for its own":            {judgeTokenType(w, here(), at("15.5.0"), outcome{}, false), Fail, "P02", "", ""},
		"a version that is none":         {judgeTokenType(w, here(), at("dev"), outcome{}, false), Skip, "", "", ""},
		"P42: the right to review":       {judgeTokenType(w, here(), at("18.2.0"), forbidden, true), Fail, "P42", "system:auth-delegator", "kubectl create clusterrolebinding teleport-auth-delegator --clusterrole=system:auth-delegator --serviceaccount=teleport:auth"},
		"P42: Cloud, without any keys":   {judgeTokenType(w, here(), Known{ClusterName: "x.teleport.sh", ServerVersion: "18.2.0"}, outcome{}, false), Fail, "P42", "oidc or static_jwks", "tctl edit token/door"},
		"P42: Cloud, an issuer for all":  {judgeTokenType(w, here(), cloud(keys), outcome{}, false), Fail, "P42", "", `"type":"oidc"`},
		"other refusals are not this":    {judgeTokenType(w, door(t, keys), at("18.2.0"), outcome{refusal: Refusal{ID: "P03"}}, true), Pass, "static_jwks", "", ""},
		"no spec.kubernetes has no type": {Finding{Status: Skip, Observed: "type " + string(kubernetesType(&types.ProvisionTokenV2{}))}, Skip, "type ", "", ""},
	})
}

func cloud(keys issuer.Keys) Known {
	return Known{
		ClusterName: "x.teleport.sh", ServerVersion: "18.2.0", Cluster: issuer.Cluster{Issuer: labIssuer, Keys: keys},
		Public: issuer.PublicResult{Reachable: true, Issuer: labIssuer, Keys: keys},
	}
}

func TestJudgeKeysAndIssuers(t *testing.T) {
	t.Parallel()
	keys, others := labKeys(t, "key-now"), labKeys(t, "key-now", "another")
	w := joining(t, labYAML)
	oidc := func(name string, insecure bool) *types.ProvisionTokenV2 {
		token := ofType(door(t, keys), types.KubernetesJoinTypeOIDC, name)
		token.Spec.Kubernetes.OIDC.InsecureAllowHTTPIssuer = insecure
		return token
	}
	known := func(name string) Known {
		return Known{ClusterName: "lab.example.com", ServerVersion: "18.2.0", Cluster: issuer.Cluster{Issuer: name, Keys: keys}}
	}
	signing := func(kid string) Known {
		k := known(labIssuer)
		k.Claims = issuer.Claims{Header: issuer.Header{KeyID: kid, Issuer: labIssuer}}
		return k
	}
	publishing := func(k Known, keys issuer.Keys) Known {
		k.Public = issuer.PublicResult{Reachable: true, Issuer: labIssuer, Keys: keys}
		k.Token = oidc(labIssuer, false)
		return k
	}
	silent := known(labIssuer)
	silent.Cluster.Keys, silent.Cluster.KeysErr = nil, errLook
	eks := known("https://oidc.eks.eu-west-1.amazonaws.com/id/ABCD")
	bare := oidc("", false)
	bare.Spec.Kubernetes.OIDC = nil
	partlyAll(t, map[string]partly{
		"P16: byte for byte":     {judgeTokenIssuer(oidc(labIssuer, false), known(labIssuer)), Pass, `"https://issuer.example.com/lab"`, "", ""},
		"P16: another":           {judgeTokenIssuer(oidc("https://other.example.com", false), known(labIssuer)), Fail, "other.example.com", labIssuer, labIssuer},
		"P16: none":              {judgeTokenIssuer(bare, known(labIssuer)), Fail, `the issuer ""`, labIssuer, labIssuer},
		"P16: http":              {judgeTokenIssuer(oidc("http://a.example.com", false), known("http://a.example.com")), Fail, "http://a.example.com", "an https issuer", `"type":"static_jwks"`},
		"P16: http that is let":  {judgeTokenIssuer(oidc("http://a.example.com", true), known("http://a.example.com")), Pass, "http://a.example.com", "", ""},
		"P16: the token is best": {judgeTokenIssuer(oidc("https://other.example.com", false), signing("key-now")), Fail, "other.example.com", labIssuer, ""},

		"P03: the key that signs":          {judgeStaticKeys(door(t, keys), signing("key-now"), Refusal{}, false), Pass, `key "key-now", which signs`, "", ""},
		"P03: it is not there":             {judgeStaticKeys(door(t, keys), signing("key-new"), Refusal{}, false), Fail, `holds "key-now"`, `key "key-new"`, "tctl create -f"},
		"P03: no key is known":             {judgeStaticKeys(door(t, keys), silent, Refusal{}, false), Unknown, errLook.Error(), "", ""},
		"P03: none known, Teleport tells":  {judgeStaticKeys(door(t, keys), silent, Refusal{ID: "P03", Words: "no kid"}, true), Fail, "what is not known, the issuer no key; Teleport says: no kid", "", "kubectl get --raw /openid/v1/jwks"},
		"P03: nobody says why there is no": {judgeStaticKeys(door(t, keys), Known{}, Refusal{}, false), Unknown, "the cluster's keys are not known", "", ""},
		"P05 is another check's":           {judgeStaticKeys(brokenKeys(t, keys), signing("key-now"), Refusal{}, false), Skip, "TBC404", "", ""},

		"P03 oidc: published":                 {judgePublicKeys(w, publishing(signing("key-now"), keys), Refusal{}, false), Pass, `publishes key "key-now", which signs`, "", ""},
		"P03 oidc: not published":             {judgePublicKeys(w, publishing(signing("key-new"), keys), Refusal{}, false), Fail, `publishes "key-now"`, `"key-new"`, `"type":"static_jwks"`},
		"P03 oidc: other keys":                {judgePublicKeys(w, publishing(known(labIssuer), others), Refusal{}, false), Fail, `the API server "key-now"`, "the cluster's keys", `"type":"static_jwks"`},
		"P03 oidc: not seen":                  {judgePublicKeys(w, known(labIssuer), Refusal{}, false), Skip, "Teleport reads them itself", "", ""},
		"P03 oidc: the same keys":             {judgePublicKeys(w, publishing(known(labIssuer), keys), Refusal{}, false), Pass, `publishes "key-now"`, "", ""},
		"P03 oidc: Teleport tells":            {judgePublicKeys(w, publishing(known(labIssuer), keys), Refusal{ID: "P03", Cause: "c", Words: "no possible keys matches", Fix: "f", Expected: "e"}, true), Fail, "no possible keys matches", "", ""},
		"P04: nobody rotates":                 {judgeRotation(door(t, keys), known(labIssuer)), Pass, "no provider is known", "", ""},
		"P04: EKS, not public":                {judgeRotation(door(t, keys), eks), Warn, "EKS rotates", "oidc", "renew the copy after each rotation: printf"},
		"P04: EKS, not public, no keys known": {judgeRotation(door(t, keys), Known{Cluster: issuer.Cluster{Issuer: eks.Cluster.Issuer}}), Warn, "EKS rotates", "oidc", "from `kubectl get --raw /openid/v1/jwks`"},
	})
}

func brokenKeys(t *testing.T, keys issuer.Keys) *types.ProvisionTokenV2 {
	t.Helper()
	token := door(t, keys)
	token.Spec.Kubernetes.StaticJWKS.JWKS = "# no JSON"
	return token
}

func TestJudgeReadable(t *testing.T) {
	t.Parallel()
	keys := labKeys(t, "key-now")
	w := joining(t, labYAML)
	known := Known{ServerVersion: "18.2.0", Cluster: issuer.Cluster{Issuer: labIssuer, Keys: keys}, Token: ofType(door(t, keys), types.KubernetesJoinTypeOIDC, labIssuer)}
	seen := func(kind issuer.FailureKind) issuer.PublicResult {
		return issuer.PublicResult{Kind: kind, Err: errLook}
	}
	rows := map[string]partly{
		"read":                  {judgeReadable(issuer.PublicResult{Reachable: true, SeenFrom: "this machine"}, outcome{}, false, known, w), Pass, "seen from this machine", "", ""},
		"nobody looked":         {judgeReadable(seen(issuer.FailureNone), outcome{}, false, known, w), Unknown, "nobody looked", "", ""},
		"cancelled":             {judgeReadable(seen(issuer.FailureCancelled), outcome{}, false, known, w), Unknown, "cancelled", "", ""},
		"not seen, but let in":  {judgeReadable(seen(issuer.FailurePrivateAddress), outcome{let: true, at: time.Unix(1_700_000_000, 0)}, true, known, w), Warn, "let in at 2023-11-14T22:13:20Z", "", "curl --fail https://issuer.example.com/lab/.well-known/openid-configuration"},
		"not seen, other cause": {judgeReadable(seen(issuer.FailureTimeout), outcome{refusal: Refusal{ID: "P07"}}, true, known, w), Fail, "P11", "for everybody", `"type":"static_jwks"`},
	}
	for kind, id := range map[issuer.FailureKind]string{
		issuer.FailureDNS: "P11", issuer.FailureNotFound: "P11", issuer.FailurePrivateCA: "P12", issuer.FailureTLS: "P12",
		issuer.FailureUnauthorized: "P13", issuer.FailurePrivateAddress: "P15", issuer.FailureIssuerMismatch: "P16",
	} {
		rows[id+" by "+string(kind)] = partly{judgeReadable(seen(kind), outcome{}, false, known, w), Fail, id + ": ", "for everybody", `"type":"static_jwks"`}
	}
	partlyAll(t, rows)
}

func TestJudgeTeleportSide(t *testing.T) {
	t.Parallel()
	w := joining(t, labYAML)
	ours := w
	ours.Manager = spec.ManagedBy
	kept := joining(t, labYAML)
	kept.Deployment.Spec.Template.Spec.Containers[0].Env[0].Name, kept.Deployment.Spec.Template.Spec.Containers[0].Env[0].Value = "TBOT_USE_PROXY_ADDR", "yes"
	direct := joining(t, strings.Replace(labYAML, "proxy_server: teleport.example.com:443", "auth_server: auth.example.com:3025", 1))
	public := Entry{PublicAddr: "public.example.com:443"}
	needs := DoctorNeeds()
	verdicts := func(missing int, err error) []Verdict {
		all := make([]Verdict, len(needs))
		for i := range all {
			all[i] = Verdict{Allowed: i != missing}
			if i == missing && err != nil {
				all[i] = Verdict{Err: err}
			}
		}
		return all
	}
	partlyAll(t, map[string]partly{
		"P17: made by hand":           {judgeBot(w, "robot", nil, []string{"access"}), Fail, "no such bot", `"robot"`, `"spec":{"roles":["access"]}`},
		"P17: roles not known":        {judgeBot(w, "robot", nil, nil), Fail, "no such bot", `"robot"`, "in the place of []"},
		"P17: ours":                   {judgeBot(ours, "robot", nil, nil), Fail, "no such bot", `"robot"`, "run the same tbotctl init again"},
		"the bot is there":            {judgeBot(w, "robot", robot("access"), nil), Pass, `"robot", with the roles "access"`, "", ""},
		"P36: a lock":                 {judgeLock("a b", Known{}), Fail, `lock "a b" is in force`, "no lock", "tctl rm 'lock/a b'"},
		"no lock":                     {judgeLock("", Known{}), Pass, "no lock", "", ""},
		"P32: kept by the variable":   {judgePublicAddress(kept, public, heard{}), Pass, "stays with teleport.example.com:443", "", ""},
		"P32: no proxy_server":        {judgePublicAddress(direct, public, heard{}), Skip, "no proxy_server", "", ""},
		"P32: none named":             {judgePublicAddress(w, Entry{}, heard{}), Pass, "teleport.example.com:443", "", ""},
		"P32: the case does not tell": {judgePublicAddress(w, Entry{PublicAddr: "Teleport.Example.com:443"}, heard{}), Pass, "", "", ""},
		"P35: bots too":               {judgeMayRead("ann", needs, verdicts(1, nil)), Warn, "ann may not: read bot", "right to read", "resources: [bot], verbs: [read]"},
		"P35: locks too":              {judgeMayRead("ann", needs, verdicts(3, nil)), Warn, "ann may not: list lock", "right to read", "resources: [lock], verbs: [list]"},
		"P35: what only informs":      {judgeMayRead("ann", needs, verdicts(6, nil)), Pass, "list event would show more", "", ""},
		"P35: not known":              {judgeMayRead("ann", needs, verdicts(0, errLook)), Unknown, "not known", "", ""},
	})
	for address, want := range map[string]string{"a.example.com:443": "a.example.com", "https://a.example.com:443": "a.example.com", "a.example.com": "a.example.com", "[::1]:443": "::1", "": ""} {
		if got := hostOf(address); got != want {
			t.Errorf("host of %q: %q, want %q", address, got, want)
		}
	}
}

// TestRolesOfTheLastCertificate: what a bot that is made anew, or lost its roles, is given.
func TestRolesOfTheLastCertificate(t *testing.T) {
	t.Parallel()
	side := soundSide(t)
	side.bot = nil
	facts := side.facts()
	facts.Setup.Teleport.Roles = []string{"from-answers"}
	output := &Output{Certificate: &x509.Certificate{Subject: pkix.Name{Organization: []string{"access", "ci"}}}}
	facts.Live.Output = func(_ context.Context, namespace, name string) (*Output, error) {
		if namespace != "machines" || name != "tbot-out" {
			t.Errorf("asked for %s/%s", namespace, name)
		}
		return output, nil
	}
	if got := onlyOne(t, BotExists, facts); !strings.Contains(got.Fix, `"roles":["access","ci"]`) {
		t.Errorf("%+v", got)
	}
	facts.Live.Output = func(context.Context, string, string) (*Output, error) { return nil, errLook }
	if got := onlyOne(t, BotExists, facts); !strings.Contains(got.Fix, `"roles":["from-answers"]`) {
		t.Errorf("%+v", got)
	}
}

func TestWhichTokenIsNotKnown(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*Workload)
		want   Status
		says   string
	}{
		"no tbot.yaml": {func(w *Workload) { w.ConfigErr, w.Config.Onboarding.Token = errLook, "" }, Unknown, errLook.Error()},
		"a file":       {func(w *Workload) { w.Config.Onboarding.Token = "/run/token" }, Skip, `"/run/token"`},
		"no name":      {func(w *Workload) { w.Config.Onboarding.Token = "" }, Skip, "names no join token"},
	} {
		side := soundSide(t)
		row.change(&side.workload)
		if got := onlyOne(t, TokenExists, side.facts()); got.Status != row.want || !strings.Contains(got.Observed, row.says) || row.want == Unknown && !errors.Is(got.Err, errLook) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
