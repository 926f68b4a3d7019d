package manifests_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// onlyUsed are the answers that change no file of any format.
func onlyUsed() []string {
	return []string{"context", "target-context", "auth-service-account", "accept-rotation-risk"}
}

// other is an answer as it would be typed: not the one of the setup that it is typed for.
type other struct {
	in spec.Setup
	as string
	// then follows from the answer without being typed, as looking up or resolving would have it.
	then func(*spec.Setup)
}

// others have a different value for each answer, in a setup that has a use for it.
func others(t *testing.T) map[string]other {
	t.Helper()
	plain := sample(spec.JoinOIDC, spec.AccessIdentity)
	reach, argo := reaching("18.4.0"), forArgoCD("18.4.0")
	app, kube, db := agent(spec.JoinOIDC, "18.4.0", "App"), agent(spec.JoinOIDC, "18.4.0", "Kube"), agent(spec.JoinOIDC, "18.4.0", "Db")
	keys := sample(spec.JoinStaticJWKS, spec.AccessIdentity)
	old := sample(spec.JoinStaticJWKS, spec.AccessIdentity)
	old.Resolved.ServerVersion = "16.4.7"
	argoNamespaces := argo
	argoNamespaces.ArgoCD.Namespaces = []string{"shop"}
	asUser, ownRole := reach, argo
	asUser.Reach.Groups, asUser.Reach.Users = nil, []string{"ci@example.com"}
	ownRole.Reach.Groups, ownRole.Reach.ClusterRole, ownRole.Teleport.Roles = nil, "", []string{"clusters"}
	labelled := reach
	labelled.Resolved = new(spec.Resolved)
	*labelled.Resolved = *reach.Resolved
	labelled.Resolved.KubeClusters = []spec.ResolvedCluster{{Name: "edge", Labels: map[string]string{"tier": "edge"}}}
	image := func(s *spec.Setup) { s.Resolved.Image = s.Workload.ImageFor("18.2.0", false) }
	return map[string]other{
		"context":              {in: plain, as: "prod"},
		"namespace":            {in: plain, as: "elsewhere"},
		"create-namespace":     {in: plain, as: "true"},
		"proxy":                {in: plain, as: "other.example.com:443"},
		"proxy-ca":             {in: plain, as: file(t, authority(t))},
		"cluster-name":         {in: plain, as: "other.example.com", then: func(s *spec.Setup) { s.Resolved.ClusterName = "other.example.com" }},
		"name":                 {in: plain, as: "ci"},
		"bot-name":             {in: reach, as: "robot"},
		"token-name":           {in: plain, as: "ticket"},
		"service-account":      {in: plain, as: "account"},
		"roles":                {in: plain, as: "auditor"},
		"output-secret":        {in: plain, as: "credentials"},
		"tbot-config":          {in: plain, as: file(t, "renewal_interval: 10m\n")},
		"join-type":            {in: old, as: "in_cluster", then: func(s *spec.Setup) { s.Resolved.JoinType, s.Resolved.JWKS = spec.JoinInCluster, "" }},
		"issuer":               {in: plain, as: "https://issuer.example.com", then: func(s *spec.Setup) { s.Resolved.Issuer = s.Join.Issuer }},
		"jwks-file":            {in: keys, as: file(t, `{"keys":[{"kty":"RSA","kid":"b"}]}`), then: func(s *spec.Setup) { s.Resolved.JWKS = s.Join.JWKS }},
		"auth-service-account": {in: sample(spec.JoinInCluster, spec.AccessIdentity), as: "teleport:auth", then: func(s *spec.Setup) { s.Join.Type = spec.JoinInCluster }},
		"accept-rotation-risk": {in: keys, as: "true"},
		"access":               {in: reach, as: "none", then: func(s *spec.Setup) { s.Reach = spec.Reach{} }},
		"kube-cluster":         {in: labelled, as: "edge"},
		"kube-labels":          {in: reach, as: "env=dev"},
		"kube-groups":          {in: reach, as: "others"},
		"kube-users":           {in: asUser, as: "deploy@example.com"},
		"target-namespace":     {in: reach, as: "shop"},
		"cluster-role":         {in: reach, as: "edit"},
		"target-context":       {in: reach, as: "prod"},

		"argocd-namespace":         {in: argo, as: "argo"},
		"argocd-project":           {in: argo, as: "shop"},
		"argocd-namespaces":        {in: argo, as: "shop"},
		"argocd-cluster-resources": {in: argoNamespaces, as: "true"},
		"argocd-secret-labels":     {in: argo, as: "env=prod"},
		"argocd-name-template":     {in: argo, as: "{{.KubeName}}"},
		"argocd-impersonation":     {in: ownRole, as: "true"},
		"argocd-rbac":              {in: argo, as: "namespace"},

		"workload": {in: plain, as: "agent", then: func(s *spec.Setup) {
			s.Teleport.BotName, s.Teleport.Roles, s.Agent, s.Resolved.Image = "", nil, app.Agent, app.Resolved.Image
		}},
		"agent-roles":     {in: app, as: "App,Discovery", then: func(s *spec.Setup) { s.Agent.KubeName = "prod" }},
		"agent-app":       {in: app, as: "wiki=http://wiki.svc:80"},
		"agent-database":  {in: db, as: "other=postgres=db.svc:5432"},
		"agent-kube-name": {in: kube, as: "other"},
		"agent-labels":    {in: app, as: "tier=edge"},
		"agent-release":   {in: app, as: "other"},

		"image":             {in: plain, as: "registry.example.com/tbot-distroless", then: image},
		"registry":          {in: plain, as: "registry.example.com/mirror", then: image},
		"image-pull-secret": {in: plain, as: "login"},
		"tbot-version":      {in: plain, as: "18.1.0", then: func(s *spec.Setup) { s.Resolved.Image = s.Workload.ImageFor("18.1.0", false) }},
		"fips":              {in: plain, as: "true", then: func(s *spec.Setup) { s.Resolved.Image = s.Workload.ImageFor("18.2.0", true) }},
		"telemetry":         {in: plain, as: "true"},
		"labels":            {in: plain, as: "team=platform"},
		"annotations":       {in: plain, as: "team=platform"},
		"env":               {in: plain, as: "TEAM=platform"},
		"requests":          {in: plain, as: "cpu=1m"},
		"limits":            {in: plain, as: "memory=1Gi"},
		"node-selector":     {in: plain, as: "kubernetes.io/os=linux"},
		"toleration":        {in: plain, as: "spot"},
		"priority-class":    {in: plain, as: "high"},
		"platform":          {in: plain, as: "openshift", then: func(s *spec.Setup) { s.Resolved.Platform = spec.PlatformOpenShift }},
		"patch":             {in: plain, as: file(t, patchOfAffinity)},

		"operator-namespace": {in: plain, as: "other"},
	}
}

// patchOfAffinity changes what the chart has a value for; TestHelmRefusesWhatTheChartCannotMake has what it has none for.
const patchOfAffinity = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: tbot
spec:
  template:
    spec:
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
              - matchExpressions:
                  - {key: pool, operator: In, values: [machines]}
`

// shape is everything that one format makes of a setup.
func shape(s spec.Setup, format string) ([]byte, error) {
	operatorNamespace := s.Files.OperatorNamespace
	s.Files, s.Side = spec.Files{Kube: spec.KubeManifests, Teleport: spec.TeleportYAML}, spec.SideTeleport
	if slices.Contains(manifests.Formats()[:3], format) {
		s.Files.Kube, s.Side = spec.KubeFormat(format), spec.SideKubernetes
	} else {
		s.Files.Teleport = spec.TeleportFormat(format)
	}
	if format == string(spec.TeleportOperator) {
		if s.Files.OperatorNamespace = operatorNamespace; operatorNamespace == "" {
			s.Files.OperatorNamespace = "teleport"
		}
	}
	set, err := manifests.Render(withBothSides(s))
	if err != nil {
		return nil, err
	}
	files, err := set.Format(s)
	var all bytes.Buffer
	for _, file := range files {
		all.WriteString(file.Path + "\n" + string(file.Data))
	}
	return all.Bytes(), err
}

func withBothSides(s spec.Setup) spec.Setup {
	s.Side = spec.SideBoth
	return s
}

// TestFormatsSayWhatTheySay gives each answer another value and looks at each format: it changes where the answer is said, stays as it was
// where it is not, and names the flag where it is refused. The table of docs/formats.md is made of the same.
func TestFormatsSayWhatTheySay(t *testing.T) {
	t.Parallel()
	all := others(t)
	for _, field := range spec.Fields() {
		if slices.Contains(manifests.Choosing(), field.Flag) {
			continue
		}
		answer, found := all[field.Flag]
		if !found {
			t.Errorf("--%s has no other value here, so what formats make of it is not known", field.Flag)
			continue
		}
		said := false
		for _, format := range manifests.Formats() {
			changed := answer.in
			resolved := *answer.in.Resolved
			changed.Resolved = &resolved
			if err := field.Set(&changed, answer.as); err != nil {
				t.Fatal(err)
			}
			if answer.then != nil {
				answer.then(&changed)
			}
			before, err := shape(answer.in, format)
			if err != nil {
				t.Fatalf("--%s in %s, before it changes: %v", field.Flag, format, err)
			}
			after, err := shape(changed, format)
			limited := slices.ContainsFunc(manifests.Limits(), func(l manifests.Limit) bool { return l.Flag == field.Flag && l.Format == format })
			var refused *spec.Invalid
			got := manifests.Said
			switch {
			case errors.As(err, &refused) && limited && refused.Fields[0].Flag == field.Flag:
				got = manifests.Refused
			case err != nil:
				t.Fatalf("--%s %s in %s: %v", field.Flag, answer.as, format, err)
			case bytes.Equal(before, after):
				got = manifests.NotSaid
			}
			want := manifests.Says(field.Flag, format)
			// A value of join-type that changes the Kubernetes side is one of those that Helm refuses.
			if refusedValue := limited && got == manifests.Refused; got != want && (!refusedValue || want != manifests.Said) {
				t.Errorf("--%s %s in %s is %s, the table has %s", field.Flag, answer.as, format, got, want)
			}
			said = said || want != manifests.NotSaid
		}
		if said == slices.Contains(onlyUsed(), field.Flag) {
			t.Errorf("--%s: said by some format is %t", field.Flag, said)
		}
	}
}

// TestLimitsRefuse makes each limit's case.
func TestLimitsRefuse(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*spec.Setup){
		"helm priority-class": func(s *spec.Setup) { s.Workload.PriorityClass = "high" },
		"helm image": func(s *spec.Setup) {
			s.Workload.Image = "registry.example.com/tbot@sha256:" + strings.Repeat("a", 64)
			s.Resolved.Image = s.Workload.Image
		},
		"helm join-type": func(s *spec.Setup) {
			s.Resolved.JoinType, s.Resolved.Issuer, s.Resolved.ServerVersion = spec.JoinInCluster, "", ""
		},
		"helm labels":                 func(s *spec.Setup) { s.Workload.Labels = map[string]string{"helm.sh/chart": "x"} },
		"helm annotations":            func(s *spec.Setup) { s.Workload.Annotations = map[string]string{"checksum/config": "x"} },
		"operator bot-name":           func(s *spec.Setup) { s.Teleport.BotName = "Robot_1" },
		"operator token-name":         func(s *spec.Setup) { s.Teleport.TokenName = "a+b" },
		"operator operator-namespace": func(s *spec.Setup) { s.Files.OperatorNamespace = "" },
	}
	for _, limit := range manifests.Limits() {
		change := cases[limit.Format+" "+limit.Flag]
		if change == nil {
			t.Errorf("no case makes the limit of --%s in %s", limit.Flag, limit.Format)
			continue
		}
		setup := inFormat(sample(spec.JoinOIDC, spec.AccessIdentity), spec.KubeManifests, spec.TeleportYAML)
		if limit.Format == string(spec.KubeHelm) {
			setup.Files.Kube = spec.KubeHelm
		} else {
			setup = inFormat(setup, spec.KubeManifests, spec.TeleportFormat(limit.Format))
		}
		change(&setup)
		_, err := render(t, setup).Format(setup)
		var refused *spec.Invalid
		if !errors.As(err, &refused) || refused.Fields[0].Flag != limit.Flag || !strings.Contains(err.Error(), limit.Why) || limit.Fix == "" {
			t.Errorf("--%s in %s: %v", limit.Flag, limit.Format, err)
		}
	}
}

// file holds text as a file that a flag can name.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
