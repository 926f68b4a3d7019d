package checks

import (
	"context"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// IssuerReadable is the check of what Teleport has to read for a join of type oidc.
const IssuerReadable ID = "TBC205"

func liveIssuerChecks() []Check {
	return []Check{{
		ID: IssuerReadable, Category: CategoryIssuer, Stage: Diagnosis, Needs: []ID{TokenForBot}, ProvedBy: JoinSaid, Title: "Teleport can read the issuer",
		Problems: []string{"P11", "P12", "P13", "P15"},
		Run: lived(func(ctx context.Context, f *Facts, l *Live) Finding {
			token, lacking := l.token(ctx)
			if lacking != nil {
				return *lacking
			}
			if kind := kubernetesType(token); kind != spec.JoinOIDC {
				if kind == "" {
					return skipped("the join token has no spec.kubernetes (" + string(TokenForBot) + ")")
				}
				return skipped("the join token is of type " + string(kubernetesType(token)) + ", for which Teleport reads no issuer")
			}
			public, lacking := fetched(ctx, f.Public, "nobody looks at the internet in this run")
			if lacking != nil {
				return *lacking
			}
			known := l.known(ctx, f)
			if known.issuerName() != "" && known.tokenIssuerName() != known.issuerName() {
				return skipped("the join token names another issuer than the cluster's (" + string(TokenIssuer) + ")")
			}
			last, told := l.lastJoin(ctx, f)
			return judgeReadable(public, last, told, known, l.Workload)
		}),
	}}
}

// judgeReadable weighs what this machine saw against what Teleport did: the two look from different places (field-notes P11, P15), so
// the last join counts for more, and a look that everybody would fail at counts alone.
func judgeReadable(public issuer.PublicResult, last outcome, told bool, known Known, w Workload) Finding {
	switch {
	case told && !last.let && isUnreadable(last.refusal.ID):
		return tell(forLive(w, last.refusal, known), "Teleport says")
	case public.Reachable:
		return passed("seen from " + public.SeenFrom)
	case public.Kind == issuer.FailureNone, public.Kind == issuer.FailureCancelled:
		return Finding{Status: Unknown, Observed: public.Why(), Err: public.Err}
	case told && last.let:
		observed := "not seen from this machine: " + public.Why() + "; Teleport read it, for the last join was let in"
		if !last.at.IsZero() {
			observed += " at " + stamp(last.at)
		}
		return Finding{
			Status: Warn, Observed: observed, Expected: "an issuer that everybody can read",
			Fix: fmt.Sprintf("see from where Teleport runs that it answers: curl --fail %s", spec.ShellWord(documentURL(known.tokenIssuerName()))),
		}
	}
	id := unreadableAs(public.Kind)
	r := refused{Known: known, text: public.Why()}
	refusal := Refusal{
		ID: id, Cause: "the issuer is not readable, and by it Teleport verifies the service account token",
		Observed: public.Why(), Expected: "the discovery document " + spec.Quote(documentURL(known.tokenIssuerName())) + ", for everybody to read over https",
		Fix: r.instead(spec.JoinStaticJWKS),
	}
	refusal = forLive(w, refusal, known)
	return Finding{
		Status: Fail, Observed: fmt.Sprintf("%s: %s", refusal.ID, refusal.Observed), Expected: refusal.Expected, Fix: refusal.Fix,
	}
}

func (k Known) tokenIssuerName() string { return refused{Known: k}.tokenIssuer() }

func isUnreadable(id string) bool { return id == "P11" || id == "P12" || id == "P13" }

// unreadableAs names the problem by how the look failed (field-notes 1).
func unreadableAs(kind issuer.FailureKind) string {
	switch kind {
	case issuer.FailurePrivateCA, issuer.FailureTLS:
		return "P12"
	case issuer.FailureUnauthorized:
		return "P13"
	case issuer.FailurePrivateAddress:
		return "P15"
	case issuer.FailureIssuerMismatch:
		return "P16"
	default:
		return "P11"
	}
}
