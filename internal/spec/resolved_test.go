package spec_test

import (
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

func TestResolvedIsCompleteByJoinType(t *testing.T) {
	t.Parallel()
	whole := spec.Resolved{ClusterName: "main", Image: "tbot:18.2.0", Issuer: "https://i", JWKS: "{}"}
	for join, needs := range map[spec.JoinType]func(*spec.Resolved){
		spec.JoinOIDC:       func(r *spec.Resolved) { r.Issuer = "" },
		spec.JoinStaticJWKS: func(r *spec.Resolved) { r.JWKS = "" },
		spec.JoinInCluster:  func(r *spec.Resolved) { r.ClusterName = "" },
	} {
		r := whole
		r.JoinType = join
		if !r.Complete() {
			t.Errorf("%s: not complete", join)
		}
		needs(&r)
		if r.Complete() {
			t.Errorf("%s: complete without what it needs", join)
		}
		r = whole
		r.JoinType, r.Image = join, ""
		if r.Complete() {
			t.Errorf("%s: complete without an image", join)
		}
	}
	for _, join := range []spec.JoinType{"", spec.JoinAuto, "ec2"} {
		r := whole
		r.JoinType = join
		if r.Complete() {
			t.Errorf("%q: complete", join)
		}
	}
	if (*spec.Resolved)(nil).Complete() {
		t.Error("nothing is complete")
	}
}

func TestTokenAudience(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		join    spec.JoinType
		version string
		want    string
	}{
		{spec.JoinOIDC, "", "main"},
		{spec.JoinStaticJWKS, "16.4.7", "main"},
		{spec.JoinInCluster, "17.0.3", "main"},
		{spec.JoinInCluster, "v18.2.0", "main"},
		{spec.JoinInCluster, "19.0.0-dev", "main"},
		{spec.JoinInCluster, "17.0.2", ""},
		{spec.JoinInCluster, "16.4.7", ""},
		{spec.JoinInCluster, "", ""},
		{spec.JoinInCluster, "unknown", ""},
	} {
		r := spec.Resolved{ClusterName: "main", JoinType: c.join, ServerVersion: c.version}
		if got := r.TokenAudience(); got != c.want {
			t.Errorf("%s on %q: audience = %q, want %q", c.join, c.version, got, c.want)
		}
	}
}
