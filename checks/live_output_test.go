package checks

import (
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

func TestJudgeExecPlugin(t *testing.T) {
	t.Parallel()
	kubeconfig := func(image, output string) Finding {
		w := edited(t, "      - type: identity\n", output)
		w.container().Image = image
		return judgeExecPlugin(w)
	}
	const (
		old, new = "registry.example.com/tbot:15.4.0", "registry.example.com/tbot:18.2.0"
		one      = "      - type: kubernetes\n        kubernetes_cluster: production\n"
	)
	judgedOn(t, map[string]verdict{
		"an identity":         {judgeExecPlugin(guided(t, nil)), Pass, "no kubeconfig", "", "-"},
		"a plugin":            {kubeconfig(old, one), Fail, "output kubernetes writes a kubeconfig into Secret identity-output", "disable_exec_plugin: true", `sed 's#  - type: kubernetes\\n#  - type: kubernetes\\n    disable_exec_plugin: true\\n#'`},
		"left out":            {kubeconfig(old, one+"        disable_exec_plugin: true\n"), Pass, "no kubeconfig", "", "-"},
		"left out by tbot":    {kubeconfig(new, one), Pass, "no kubeconfig", "", "-"},
		"a version not known": {kubeconfig("registry.example.com/tbot:latest", one), Warn, "before 16.0.4", "", "disable_exec_plugin"},
		"in a folder": {judgeExecPlugin(guided(t, func(w *Workload) {
			w.container().Image = old
			w.Config.Outputs = []tbotconfig.Output{&tbotconfig.Kubernetes{Destination: tbotconfig.Directory("/out")}}
		})), Pass, "no kubeconfig", "", "-"},
	})
}

func TestJudgeFresh(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	w := guided(t, nil)
	secret := w.secrets()[0]
	seen := func(output *Output) []seenOutput { return []seenOutput{{secret, output}} }
	written := func(ago time.Duration) []seenOutput {
		return seen(&Output{Certificate: certificate(teleportName, "bot-example", now.Add(-ago)), Written: now.Add(-ago)})
	}
	long := now.Add(-24 * time.Hour)
	untold := seen(&Output{Certificate: certificate(teleportName, "bot-example", now.Add(-50*time.Minute))})
	byInit := guided(t, func(w *Workload) { w.Config.Outputs, w.Manager = nil, spec.ManagedBy })
	judgedOn(t, map[string]verdict{
		"fresh":            {judgeFresh(w, written(5*time.Minute), long, now), Pass, "Secret default/identity-output", "", "-"},
		"one turn missed":  {judgeFresh(w, written(39*time.Minute), long, now), Pass, "identity-output", "", "-"},
		"overdue":          {judgeFresh(w, written(50*time.Minute), long, now), Fail, "was last written 50m ago; its certificate ends in 9m", "written every 20m by output identity", "logs deployment/tbot --container tbot"},
		"not told when":    {judgeFresh(w, untold, long, now), Fail, "was last written 51m ago", "", "logs"},
		"ended":            {judgeFresh(w, written(3*time.Hour), long, now), Fail, "holds a certificate that ended 2h1m ago", "", "logs"},
		"not there":        {judgeFresh(w, seen(nil), long, now), Fail, "Secret default/identity-output does not exist", "", "logs"},
		"not there yet":    {judgeFresh(w, seen(nil), now.Add(-30*time.Second), now), Warn, "is not there yet; the pod is 30s old", "", "logs"},
		"unreadable":       {judgeFresh(w, seen(&Output{Problem: "no tlscert"}), long, now), Fail, "holds no certificate that can be read: no tlscert", "", "logs"},
		"no output":        {judgeFresh(guided(t, func(w *Workload) { w.Config.Outputs = nil }), nil, long, now), Warn, "hands out nothing", "an output", "edit configmap tbot-config"},
		"none by init":     {judgeFresh(byInit, nil, long, now), Skip, "no output", "", "-"},
		"of another kind":  {judgeFresh(w, []seenOutput{{written: written2(w), found: &Output{}}}, long, now), Pass, "default/svid", "", "-"},
		"renewed by hours": {judgeFresh(guided(t, func(w *Workload) { w.Config.RenewalInterval = 6 * time.Hour }), written(50*time.Minute), long, now), Pass, "identity-output", "", "-"},
	})
}

// written2 is the Secret of an output of which nothing but its type is known.
func written2(w Workload) written {
	return written{w.Deployment.Namespace, "svid", &tbotconfig.Foreign{Common: tbotconfig.Common{Type: "workload-identity-x509"}}}
}

func TestJudgeOutputValid(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	w := guided(t, nil)
	secret := w.secrets()[0]
	of := func(cluster, user string, roles ...string) []seenOutput {
		return []seenOutput{{secret, &Output{Certificate: certificate(cluster, user, now, roles...)}}}
	}
	bot := &botSeen{"example", []string{"access", "auditor"}}
	narrowed := written{"default", "identity-output", &tbotconfig.Identity{Common: tbotconfig.Common{Type: "identity", Roles: []string{"access"}}}}
	judgedOn(t, map[string]verdict{
		"all right":            {judgeOutputValid(w, of(teleportName, "bot-example", "auditor", "access"), teleportName, bot), Pass, "bot-example, roles access, auditor", "", "-"},
		"of another cluster":   {judgeOutputValid(w, of("old.example.com", "bot-example", "access", "auditor"), teleportName, bot), Fail, `is of cluster "old.example.com"`, `"main.example.com"`, "rollout restart deployment tbot"},
		"of another bot":       {judgeOutputValid(w, of(teleportName, "bot-other", "access", "auditor"), teleportName, bot), Fail, `is of "bot-other"`, "bot-example", "restart"},
		"roles are missing":    {judgeOutputValid(w, of(teleportName, "bot-example", "access"), teleportName, bot), Fail, "lacks the roles auditor", "access, auditor of bot example", "restart"},
		"a role was taken":     {judgeOutputValid(w, of(teleportName, "bot-example", "access", "auditor", "editor"), teleportName, bot), Warn, "carries editor, which the bot no longer has", "", "restart"},
		"narrowed":             {judgeOutputValid(w, []seenOutput{{narrowed, of(teleportName, "bot-example", "access")[0].found}}, teleportName, bot), Pass, "roles access", "", "-"},
		"the bot is not seen":  {judgeOutputValid(w, of(teleportName, "bot-example", "access"), teleportName, nil), Pass, "roles access", "", "-"},
		"nothing to look at":   {judgeOutputValid(w, nil, teleportName, bot), Skip, "no output", "", "-"},
		"nothing that is read": {judgeOutputValid(w, []seenOutput{{written2(w), &Output{}}}, teleportName, bot), Skip, "no output", "", "-"},
	})
}

func TestJudgeArgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
	output := &tbotconfig.ArgoCD{Common: tbotconfig.Common{Type: tbotconfig.TypeArgoCD}, SecretLabels: map[string]string{"env": "prod"}, Selectors: []tbotconfig.Selector{{Name: "production"}}}
	w := argoWorkload(t, output)
	cluster := func(found *Output) []seenCluster {
		return []seenCluster{{output: output, cluster: "production", namespace: "argocd", name: output.SecretName(teleportName, "production"), found: found}}
	}
	secret := func(updated time.Time, labels ...string) []seenCluster {
		found := &Output{Labels: map[string]string{argoLabel: "cluster", "env": "prod"}, Annotations: map[string]string{argoUpdated: updated.Format(time.RFC3339)}}
		for _, label := range labels {
			key, value, _ := strings.Cut(label, "=")
			found.Labels[key] = value
		}
		return cluster(found)
	}
	said := func(lines ...string) []Log { return []Log{{Pod: "tbot", Lines: lines}} }
	judgedOn(t, map[string]verdict{
		"there":             {judgeArgoSees(secret(now), nil), Pass, "cluster production", "", "-"},
		"not there":         {judgeArgoSees(cluster(nil), nil), Fail, "there is no Secret argocd/teleport.argocd-cluster.2f76f4744295b0ec", "namespace argocd", "tctl get kube_server"},
		"without the label": {judgeArgoSees(cluster(&Output{}), nil), Fail, "no label argocd.argoproj.io/secret-type=cluster", "", "label secret"},
		"none by labels":    {judgeArgoSees(nil, said("INFO Generated matched_cluster_count=2", "INFO Generated matched_cluster_count=0")), Fail, "match no cluster", "at least one", "tctl get kube_server"},
		"some by labels":    {judgeArgoSees(nil, said(`{"msg":"Generated","matched_cluster_count":3}`)), Pass, "3 clusters match", "", "-"},
		"nobody tells":      {judgeArgoSees(nil, nil), Skip, "the selectors are labels", "", "-"},
		"renewed":           {judgeArgoStale(w, secret(now.Add(-10*time.Minute)), now), Pass, "in time", "", "-"},
		"left behind":       {judgeArgoStale(w, secret(now.Add(-90*time.Minute)), now), Warn, `of cluster "production" was last renewed 1h30m ago`, "every 20m", "get secrets --selector argocd.argoproj.io/secret-type=cluster"},
		"no names":          {judgeArgoStale(w, nil, now), Skip, "name no cluster", "", "-"},
		"its own labels":    {judgeArgoLabels(w, secret(now)), Pass, "come from tbot.yaml", "", "-"},
		"another's label":   {judgeArgoLabels(w, secret(now, "team=platform")), Warn, "take the labels team=platform from Secret argocd/", "secret_labels", "edit configmap"},
		"no names, labels":  {judgeArgoLabels(w, nil), Skip, "name no cluster", "", "-"},
	})
}

// The name is sha256("main.example.com"+"production"), its first eight bytes (teleport-facts 6.5).
func TestArgoSecretName(t *testing.T) {
	t.Parallel()
	if got := (&tbotconfig.ArgoCD{SecretNamePrefix: "clusters"}).SecretName(teleportName, "production"); got != "clusters.2f76f4744295b0ec" {
		t.Error(got)
	}
}
