package checks_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestCatalogue(t *testing.T) {
	t.Parallel()
	digit := map[checks.Category]string{
		checks.CategoryLocal: "0", checks.CategoryKubernetes: "1", checks.CategoryIssuer: "2", checks.CategoryTeleport: "3", checks.CategoryToken: "4",
		checks.CategoryWorkload: "5", checks.CategoryPermissions: "6", checks.CategoryOutput: "7", checks.CategoryJoin: "8", checks.CategoryAudit: "9",
	}
	all := map[checks.ID]checks.Check{}
	for _, check := range checks.Catalogue() {
		if _, twice := all[check.ID]; twice {
			t.Errorf("%s stands twice", check.ID)
		}
		all[check.ID] = check
	}
	pattern := regexp.MustCompile(`^TBC[0-9]{3}$`)
	for id, check := range all {
		if !pattern.MatchString(string(id)) || digit[check.Category] == "" || string(id[3]) != digit[check.Category] {
			t.Errorf("%s of category %q: want TBC, the category's digit and two more", id, check.Category)
		}
		if check.Title == "" || strings.HasSuffix(check.Title, ".") || check.Run == nil {
			t.Errorf("%s: title %q", id, check.Title)
		}
		for _, need := range check.Needs {
			needed, found := all[need]
			if !found || needed.Stage != check.Stage {
				t.Errorf("%s needs %s, which is not a check of its stage", id, need)
			}
		}
		if by := check.ProvedBy; by != "" && (by <= id || all[by].Stage != checks.After && all[by].Stage != check.Stage) {
			t.Errorf("%s is proved by %q, which is no later check", id, by)
		}
		if ring(all, id, id) {
			t.Errorf("%s waits for itself", id)
		}
	}
}

func ring(all map[checks.ID]checks.Check, from, to checks.ID) bool {
	for _, need := range all[from].Needs {
		if need == to || ring(all, need, to) {
			return true
		}
	}
	return false
}

func TestCatalogueIsInTheOrderOfItsIDs(t *testing.T) {
	t.Parallel()
	last := checks.ID("")
	for _, check := range checks.Catalogue() {
		if check.ID < last {
			t.Errorf("%s stands behind %s", check.ID, last)
		}
		last = check.ID
	}
}

// blind is a run of which no look succeeds.
func blind(err error) *checks.Facts {
	return &checks.Facts{
		Setup:             setup(),
		KubernetesVersion: func(context.Context) (string, error) { return "", err },
		NamespaceExists:   func(context.Context) (bool, error) { return false, err },
		Issuer:            func(context.Context) (issuer.Cluster, error) { return issuer.Cluster{}, err },
		Public:            func(context.Context) (issuer.PublicResult, error) { return issuer.PublicResult{}, err },
		Choice:            func(context.Context) (issuer.Choice, error) { return issuer.Choice{}, err },
		Proxy:             func(context.Context) (checks.Proxy, error) { return checks.Proxy{}, err },
		Login:             func(context.Context) (checks.Login, error) { return checks.Login{}, err },
		MissingRoles:      func(context.Context) ([]string, error) { return nil, err },
		KubeClusters:      func(context.Context) ([]spec.ResolvedCluster, error) { return nil, err },
		MayReview:         func(context.Context, string) (bool, error) { return false, err },
		ArgoCDs:           func(context.Context) ([]string, error) { return nil, err },
		BotGroups:         func(context.Context) (map[string][]string, error) { return nil, err },
		TLSEnds:           func(context.Context) (bool, error) { return false, err },
		KubernetesNeeds: func(context.Context) checks.KubernetesNeeds {
			return checks.KubernetesNeeds{Needs: []checks.Need{{All: []checks.Access{{Verb: "create", Resource: "pods"}}}}}
		},
		TeleportNeeds: []checks.TeleportAccess{{Kind: "bot", Verb: "create"}},
		KubernetesMay: func(_ context.Context, asked []checks.Access) []checks.Verdict {
			return slices.Repeat([]checks.Verdict{{Err: err}}, len(asked))
		},
		Targets: []checks.Target{{
			Context: "prod", Version: func(context.Context) (string, error) { return "", err },
			NamespaceExists: func(context.Context) (bool, error) { return false, err },
			Needs:           []checks.Access{{Verb: "create", Resource: "rolebindings"}},
			May: func(_ context.Context, asked []checks.Access) []checks.Verdict {
				return slices.Repeat([]checks.Verdict{{Err: err}}, len(asked))
			},
		}},
		TeleportMay:  func(context.Context, []checks.TeleportAccess) ([]checks.Verdict, error) { return nil, err },
		Proof:        func(context.Context) (checks.Proof, error) { return checks.Proof{}, err },
		RolloutReady: func(context.Context) (bool, string, error) { return false, "", err },
		OutputKeys:   func(context.Context) ([]string, error) { return nil, err },
	}
}

func setup() spec.Setup {
	s := spec.Default()
	s.Kubernetes.Namespace = "machines"
	s.Teleport.Proxy = "teleport.example.com:443"
	s.Teleport.Roles = []string{"access", "auditor"}
	return s.WithClusterID("1a2b3c4d")
}

// No check may be green because its look failed: each is asked alone, so that no need stands in its way.
func TestFailedLooksAreNeverGreen(t *testing.T) {
	t.Parallel()
	for _, check := range checks.Catalogue() {
		if check.Stage == checks.Diagnosis || check.Stage == checks.Upgrade {
			// Those have facts of their own, and tests of their own that hold the same.
			continue
		}
		t.Run(string(check.ID), func(t *testing.T) {
			t.Parallel()
			facts := blind(errLook)
			if check.ID == checks.KubeClusters {
				facts.Setup.Access = spec.AccessKubernetes
			}
			if check.ID == checks.TokenReview {
				facts.Setup.Join = spec.Join{Type: spec.JoinInCluster, AuthServiceAccount: "teleport:auth"}
			}
			if slices.Contains([]checks.ID{checks.ArgoCDFound, checks.ActsWithoutGroup, checks.ClientsGetIn}, check.ID) {
				facts.Setup.Access, facts.Setup.ArgoCD.Impersonation = spec.AccessArgoCD, true
			}
			result := checks.Run(t.Context(), []checks.Check{check}, facts, quiet)[0]
			if status := result.Finding.Status; status != checks.Fail && status != checks.Unknown {
				t.Errorf("status %s", status)
			}
			if !strings.Contains(result.Finding.Observed, errLook.Error()) || !errors.Is(result.Finding.Err, errLook) {
				t.Errorf("finding %+v, want the cause in text and error", result.Finding)
			}
		})
	}
}

func TestGates(t *testing.T) {
	t.Parallel()
	status := map[checks.ID]checks.Status{}
	for _, result := range checks.Run(t.Context(), checks.Select(checks.Catalogue(), checks.Before), blind(errLook), quiet) {
		status[result.Check.ID] = result.Finding.Status
	}
	for _, check := range checks.Select(checks.Catalogue(), checks.Before) {
		want := checks.Skip
		if len(check.Needs) == 0 {
			want = checks.Fail
		}
		if status[check.ID] != want {
			t.Errorf("%s is %s where neither cluster answers, want %s", check.ID, status[check.ID], want)
		}
	}
}

func TestAfterChecksThatHaveNothingToLookAt(t *testing.T) {
	t.Parallel()
	for _, result := range checks.Run(t.Context(), checks.Select(checks.Catalogue(), checks.After), &checks.Facts{Setup: setup()}, quiet) {
		if result.Finding.Status != checks.Skip || result.Finding.Observed == "" {
			t.Errorf("%s: %+v, want a skip with the reason", result.Check.ID, result.Finding)
		}
	}
}

func TestRolesOfABotWithoutRoles(t *testing.T) {
	t.Parallel()
	facts := blind(errLook)
	facts.Setup.Teleport.Roles = nil
	if got := only(t, checks.TeleportRoles, facts); got.Status != checks.Skip || got.Observed != "the bot has no roles" {
		t.Errorf("finding %+v", got)
	}
}

func TestRolloutFinding(t *testing.T) {
	t.Parallel()
	facts := &checks.Facts{Setup: setup(), RolloutReady: func(context.Context) (bool, string, error) { return false, "ImagePullBackOff", nil }}
	if got := only(t, checks.WorkloadReady, facts); got.Status != checks.Fail || got.Observed != "ImagePullBackOff" || got.Fix != "kubectl --namespace machines describe pods --selector app.kubernetes.io/instance=tbot" {
		t.Errorf("finding %+v", got)
	}
	facts.RolloutReady = func(context.Context) (bool, string, error) { return true, "", nil }
	if got := only(t, checks.WorkloadReady, facts); got.Status != checks.Pass || got.Observed != "machines/tbot" {
		t.Errorf("finding %+v", got)
	}
}

// only runs one check of the catalogue.
func only(t *testing.T, id checks.ID, facts *checks.Facts) checks.Finding {
	t.Helper()
	return onlyWith(t.Context(), t, id, facts)
}

func onlyWith(ctx context.Context, t *testing.T, id checks.ID, facts *checks.Facts) checks.Finding {
	t.Helper()
	for _, check := range checks.Catalogue() {
		if check.ID == id {
			return checks.Run(ctx, []checks.Check{check}, facts, quiet)[0].Finding
		}
	}
	t.Fatalf("there is no check %s", id)
	return checks.Finding{}
}

func TestOutputIsWaitedFor(t *testing.T) {
	t.Parallel()
	type look struct {
		keys []string
		err  error
	}
	for name, row := range map[string]struct {
		looks []look
		want  checks.Status
		says  string
	}{
		"there at once":        {[]look{{keys: []string{"identity"}}}, checks.Pass, "Secret machines/tbot-output"},
		"there later":          {[]look{{}, {}, {keys: []string{"identity", "tlscert"}}}, checks.Pass, "Secret machines/tbot-output"},
		"empty, then there":    {[]look{{keys: []string{}}, {keys: []string{"identity"}}}, checks.Pass, "Secret machines/tbot-output"},
		"never there":          {[]look{{}}, checks.Warn, "tbot has not written Secret machines/tbot-output yet"},
		"no right to look":     {[]look{{err: errLook}}, checks.Unknown, "no right to look"},
		"the right goes":       {[]look{{}, {err: errLook}}, checks.Unknown, "no right to look"},
		"somebody else's":      {[]look{{keys: []string{"password"}}}, checks.Warn, "holds password"},
		"the last look is cut": {[]look{{}, {err: context.DeadlineExceeded}}, checks.Warn, "has not written"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				looks := row.looks
				got := only(t, checks.OutputWritten, &checks.Facts{Setup: setup(), OutputKeys: func(ctx context.Context) ([]string, error) {
					next := looks[0]
					if len(looks) > 1 {
						looks = looks[1:]
					}
					if errors.Is(next.err, context.DeadlineExceeded) {
						<-ctx.Done()
					}
					return next.keys, next.err
				}})
				if got.Status != row.want || !strings.Contains(got.Observed, row.says) {
					t.Errorf("finding %+v, want %s with %q", got, row.want, row.says)
				}
			})
		})
	}
}

func TestOutputOfACancelledRunIsUnknown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		got := onlyWith(ctx, t, checks.OutputWritten, &checks.Facts{Setup: setup(), OutputKeys: func(context.Context) ([]string, error) { cancel(); return nil, nil }})
		if got.Status != checks.Unknown || !errors.Is(got.Err, context.Canceled) {
			t.Errorf("finding %+v, want unknown: nobody waited for it", got)
		}
	})
}
