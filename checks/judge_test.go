package checks

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

var errLook = errors.New("no right to look")

// judged is a row of a judge's table: what was found, and the finding that a user reads.
type judged struct {
	got, want Finding
}

func check(t *testing.T, rows map[string]judged) {
	t.Helper()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(row.want, row.got, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("finding differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJudgeKubernetes(t *testing.T) {
	t.Parallel()
	there := spec.Setup{Kubernetes: spec.Kubernetes{Namespace: "machines"}}
	made := spec.Setup{Kubernetes: spec.Kubernetes{Namespace: "machines", CreateNamespace: true}}
	old := func(version string) Finding {
		return Finding{Status: Fail, Observed: version, Expected: "v1.21.0 or newer", Fix: "upgrade the cluster: it cannot give a pod a token that Teleport takes"}
	}
	check(t, map[string]judged{
		"new":              {judgeKubernetesVersion("v1.36.3"), Finding{Status: Pass, Observed: "v1.36.3"}},
		"just new enough":  {judgeKubernetesVersion("v1.21.0"), Finding{Status: Pass, Observed: "v1.21.0"}},
		"a provider's own": {judgeKubernetesVersion("v1.33.5-eks-3025e55"), Finding{Status: Pass, Observed: "v1.33.5-eks-3025e55"}},
		"with build parts": {judgeKubernetesVersion("v1.34.1+k3s1"), Finding{Status: Pass, Observed: "v1.34.1+k3s1"}},
		"too old":          {judgeKubernetesVersion("v1.20.15"), old("v1.20.15")},
		"no version":       {judgeKubernetesVersion("weird\x1b[2J"), Finding{Status: Unknown, Observed: `the version "weird\x1b[2J" cannot be read`}},
		"empty":            {judgeKubernetesVersion(""), Finding{Status: Unknown, Observed: `the version "" cannot be read`}},

		"the namespace is there":             {judgeNamespace(there, true), Finding{Status: Pass, Observed: "machines"}},
		"the namespace is there, to be made": {judgeNamespace(made, true), Finding{Status: Pass, Observed: "machines"}},
		"the namespace will be made":         {judgeNamespace(made, false), Finding{Status: Pass, Observed: "machines will be made"}},
		"the namespace is not there to be used": {judgeNamespace(there, false), Finding{
			Status: Fail, Observed: "namespace machines does not exist",
			Fix: "give --create-namespace, or run: kubectl create namespace machines",
		}},
	})
}

func keys(ids ...string) issuer.Keys {
	var all issuer.Keys
	for _, id := range ids {
		all = append(all, jose.JSONWebKey{KeyID: id})
	}
	return all
}

func TestJudgeIssuer(t *testing.T) {
	t.Parallel()
	const url = "https://issuer.example.com/id/1"
	cluster := issuer.Cluster{Issuer: url, From: "the API server"}
	quoted := `"https://issuer.example.com/id/1", from the API server`
	elsewhere := Finding{
		Status: Fail, Observed: quoted, Expected: `"https://issuer.example.com/id/2", as the answers say`,
		Fix: "the answers may belong to another cluster; see --context, or leave the issuer out of them",
	}
	check(t, map[string]judged{
		"found":                    {judgeIssuer("", cluster, nil), Finding{Status: Pass, Observed: quoted}},
		"as asked":                 {judgeIssuer(url, cluster, nil), Finding{Status: Pass, Observed: quoted}},
		"another cluster's":        {judgeIssuer("https://issuer.example.com/id/2", cluster, nil), elsewhere},
		"a slash makes another":    {judgeIssuer(url+"/", cluster, nil), Finding{Status: Fail, Observed: quoted, Expected: `"https://issuer.example.com/id/1/", as the answers say`, Fix: elsewhere.Fix}},
		"not published":            {judgeIssuer("", cluster, errLook), Finding{Status: Warn, Observed: quoted + "; no right to look"}},
		"not published, another's": {judgeIssuer("https://issuer.example.com/id/2", cluster, errLook), elsewhere},
		"not found":                {judgeIssuer("", issuer.Cluster{}, errLook), Finding{Status: Fail, Observed: "no right to look", Err: errLook}},
		"not found, though asked":  {judgeIssuer(url, issuer.Cluster{}, errLook), Finding{Status: Fail, Observed: "no right to look", Err: errLook}},
	})
}

func TestJudgeSigningKey(t *testing.T) {
	t.Parallel()
	signing := func(published ...string) issuer.Cluster {
		return issuer.Cluster{SigningKeyID: "new", Keys: keys(published...)}
	}
	public := func(published ...string) issuer.PublicResult { return issuer.PublicResult{Keys: keys(published...)} }
	missing := func(observed string) Finding {
		return Finding{Status: Fail, Observed: observed, Expected: `key "new"`, Fix: "wait for a rotation of the keys to end and run again"}
	}
	unreadable := signing()
	unreadable.KeysErr = errLook
	check(t, map[string]judged{
		"the API server publishes it": {judgeSigningKey(signing("old", "new"), public()), Finding{Status: Pass, Observed: `key "new"`}},
		"the issuer alone does":       {judgeSigningKey(signing("old"), public("new")), Finding{Status: Pass, Observed: `key "new"`}},
		"nobody does": {
			judgeSigningKey(signing("old", "older"), public("old")),
			missing(`the API server publishes "old", "older", the issuer "old"`),
		},
		"nobody publishes any":    {judgeSigningKey(signing(), public()), missing("the API server publishes no key, the issuer no key")},
		"the keys are unreadable": {judgeSigningKey(unreadable, public("old")), Finding{Status: Unknown, Observed: "the cluster's keys could not be read: no right to look", Err: errLook}},
		"no token to look at":     {judgeSigningKey(issuer.Cluster{MintErr: errLook}, public("new")), Finding{Status: Unknown, Observed: "no token could be had to look at: no right to look", Err: errLook}},
		"a token without a kid": {
			judgeSigningKey(issuer.Cluster{}, public("new")),
			Finding{Status: Unknown, Observed: "no token could be had to look at: the minted token names no key", Err: cmpopts.AnyError},
		},
	})
}

func TestJudgePublicAndChoice(t *testing.T) {
	t.Parallel()
	check(t, map[string]judged{
		"public": {
			judgePublic(issuer.PublicResult{Reachable: true, SeenFrom: "this machine"}), Finding{Status: Pass, Observed: "public, seen from this machine"},
		},
		"not public": {
			judgePublic(issuer.PublicResult{Kind: issuer.FailurePrivateAddress, Detail: "10.0.0.1"}),
			Finding{Status: Pass, Observed: "not public: the issuer is not on the internet: 10.0.0.1"},
		},
		"nobody looked": {judgePublic(issuer.PublicResult{}), Finding{Status: Unknown, Observed: "nobody looked at the issuer's public address"}},
		"the look was broken off": {
			judgePublic(issuer.PublicResult{Kind: issuer.FailureCancelled, Err: context.Canceled}),
			Finding{Status: Unknown, Observed: "the look at the issuer was cancelled", Err: context.Canceled},
		},

		"a choice": {judgeChoice(issuer.Choice{Type: spec.JoinOIDC}), Finding{Status: Pass, Observed: "oidc"}},
		"a choice with warnings": {
			judgeChoice(issuer.Choice{Type: spec.JoinStaticJWKS, Warnings: []string{"EKS rotates its keys", "and soon"}}),
			Finding{Status: Warn, Observed: "static_jwks; EKS rotates its keys; and soon"},
		},
	})
}

func TestJudgeTeleport(t *testing.T) {
	t.Parallel()
	version := func(asked, agent, server, least string) Finding {
		return judgeTbotVersion(spec.Workload{TbotVersion: asked}, Proxy{Version: server, AgentVersion: agent, MinClientVersion: least})
	}
	ahead := func(tbot, server string) Finding {
		return Finding{Status: Fail, Observed: "tbot " + tbot, Expected: "at most the server's " + server, Fix: "give a --tbot-version of the server's major version"}
	}
	behind := func(tbot, least string) Finding {
		return Finding{Status: Fail, Observed: "tbot " + tbot, Expected: "at least " + least + ", the server's minimum", Fix: "give a newer --tbot-version, or leave it out"}
	}
	unpublished := func(of string) Finding {
		return Finding{Status: Fail, Observed: `version "` + of + `" has no published tbot image; give --tbot-version X.Y.Z of a release`, Fix: "give --tbot-version X.Y.Z of a release"}
	}
	check(t, map[string]judged{
		"the server's name":         {judgeClusterName("", "lab.example.com"), Finding{Status: Pass, Observed: "lab.example.com"}},
		"the same name":             {judgeClusterName("lab.example.com", "lab.example.com"), Finding{Status: Pass, Observed: "lab.example.com"}},
		"the proxy's name for it":   {judgeClusterName("proxy.example.com", "lab.example.com"), Finding{Status: Fail, Observed: `--cluster-name "proxy.example.com"`, Expected: `"lab.example.com", as the proxy says`, Fix: "leave --cluster-name out; it is the cluster's name, not the proxy's address"}},
		"another case is not it":    {judgeClusterName("Lab.example.com", "lab.example.com"), Finding{Status: Fail, Observed: `--cluster-name "Lab.example.com"`, Expected: `"lab.example.com", as the proxy says`, Fix: "leave --cluster-name out; it is the cluster's name, not the proxy's address"}},
		"the server's release":      {version("", "", "18.2.0", "17.0.0-aa"), Finding{Status: Pass, Observed: "tbot 18.2.0 for Teleport 18.2.0"}},
		"what agents shall run":     {version("", "18.1.4", "18.2.0", "17.0.0-aa"), Finding{Status: Pass, Observed: "tbot 18.1.4 for Teleport 18.2.0"}},
		"one major behind":          {version("17.7.3", "", "18.2.0", "17.0.0-aa"), Finding{Status: Pass, Observed: "tbot 17.7.3 for Teleport 18.2.0"}},
		"two majors behind":         {version("16.5.0", "", "18.2.0", "17.0.0-aa"), behind("16.5.0", "17.0.0-aa")},
		"a newer minor":             {version("18.9.0", "", "18.2.0", ""), Finding{Status: Pass, Observed: "tbot 18.9.0 for Teleport 18.2.0"}},
		"one major ahead":           {version("19.0.0", "", "18.2.0", "17.0.0-aa"), ahead("19.0.0", "18.2.0")},
		"written with a v":          {version("v18.2.0", "", "18.2.0", ""), Finding{Status: Pass, Observed: "tbot 18.2.0 for Teleport 18.2.0"}},
		"a cloud build":             {version("", "", "18.2.0-cloud.1", ""), unpublished("18.2.0-cloud.1")},
		"a cloud build with agents": {version("", "18.2.0", "18.3.0-cloud.1", ""), Finding{Status: Pass, Observed: "tbot 18.2.0 for Teleport 18.3.0-cloud.1"}},
		"a server of no version":    {version("18.2.0", "", "eighteen", ""), Finding{Status: Unknown, Observed: `the server's version "eighteen" cannot be read`}},
		"an image with its own tag": {judgeTbotVersion(spec.Workload{Image: "registry.example.com/tbot:mine"}, Proxy{}), Finding{Status: Skip, Observed: "the image reference names its own tag"}},

		"all roles":  {judgeRoles([]string{"access", "ci"}, nil), Finding{Status: Pass, Observed: "access, ci"}},
		"roles fail": {judgeRoles([]string{"access", "ci", "x"}, []string{"ci", "x"}), Finding{Status: Fail, Observed: "no role ci, x", Expected: "access, ci, x", Fix: "make the role, or name another with --roles; `tctl get roles` lists them"}},
	})
}

func TestJudgeLogin(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	login := func(user string, left time.Duration) Finding {
		return judgeLogin(Login{User: user, Expires: now.Add(left)}, now)
	}
	short := func(observed string) Finding {
		return Finding{Status: Warn, Observed: observed, Fix: "log in again before a longer run"}
	}
	check(t, map[string]judged{
		"for ever":            {judgeLogin(Login{User: "ann"}, now), Finding{Status: Pass, Observed: "ann"}},
		"of an unnamed":       {judgeLogin(Login{}, now), Finding{Status: Pass, Observed: "logged in"}},
		"for hours":           {login("ann", 12*time.Hour), Finding{Status: Pass, Observed: "ann, for 12h0m"}},
		"for minutes":         {login("ann", 42*time.Minute+30*time.Second), Finding{Status: Pass, Observed: "ann, for 42m"}},
		"for just enough":     {login("ann", 5*time.Minute), Finding{Status: Pass, Observed: "ann, for 5m"}},
		"for too short":       {login("ann", 5*time.Minute-time.Second), short("ann, for 4m")},
		"for seconds":         {login("ann", 20*time.Second), short("ann, for less than a minute")},
		"that has just ended": {login("", -time.Second), short("logged in, for less than a minute")},
	})
}

func TestJudgeAfter(t *testing.T) {
	t.Parallel()
	roles := []string{"access", "ci"}
	wrongRoles := Finding{
		Status: Fail, Observed: "the output carries the roles access", Expected: "access, ci",
		Fix: "see the bot's roles with `tctl get bot/tbot`",
	}
	check(t, map[string]judged{
		"the output is there": {judgeOutput("machines", "out", []string{"identity", "key"}), Finding{Status: Pass, Observed: "Secret machines/out"}},
		"the output is missing": {judgeOutput("machines", "out", nil), Finding{
			Status: Warn, Observed: "tbot has not written Secret machines/out yet", Fix: "kubectl --namespace machines logs --selector app.kubernetes.io/name=tbot",
		}},
		"the output is another's": {judgeOutput("machines", "out", []string{"password", "user"}), Finding{
			Status: Warn, Observed: "Secret machines/out holds password, user", Expected: "an identity", Fix: "see whether something else writes this Secret",
		}},

		"the proof":                    {judgeProof("tbot", roles, true, Proof{User: "bot-tbot", Via: "gRPC", Roles: roles}), Finding{Status: Pass, Observed: "as bot-tbot, by gRPC"}},
		"roles are a set":              {judgeProof("tbot", roles, true, Proof{User: "bot-tbot", Via: "gRPC", Roles: []string{"ci", "access"}}), Finding{Status: Pass, Observed: "as bot-tbot, by gRPC"}},
		"a role is missing":            {judgeProof("tbot", roles, true, Proof{User: "bot-tbot", Via: "gRPC", Roles: []string{"access"}}), wrongRoles},
		"without output no roles":      {judgeProof("tbot", nil, false, Proof{User: "bot-tbot", Via: "gRPC"}), Finding{Status: Pass, Observed: "as bot-tbot, by gRPC"}},
		"the join alone, said so":      {judgeProof("tbot", roles, true, Proof{User: "bot-tbot", Via: "HTTP", Notes: []string{"older than 17"}}), Finding{Status: Pass, Observed: "as bot-tbot, by HTTP"}},
		"another bot":                  {judgeProof("tbot", roles, true, Proof{User: "bot-other", Roles: roles}), Finding{Status: Fail, Observed: "the certificate belongs to bot-other", Expected: "bot-tbot", Err: cmpopts.AnyError}},
		"a user of the bot's own name": {judgeProof("tbot", roles, true, Proof{User: "tbot", Roles: roles}), Finding{Status: Fail, Observed: "the certificate belongs to tbot", Expected: "bot-tbot", Err: cmpopts.AnyError}},
	})
}
