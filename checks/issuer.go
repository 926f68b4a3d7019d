package checks

import (
	"context"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// The checks of the service account issuer and of the join type that follows from it.
const (
	IssuerKnown  ID = "TBC201"
	IssuerSigns  ID = "TBC202"
	IssuerPublic ID = "TBC203"
	IssuerChoice ID = "TBC204"
)

func issuerChecks() []Check {
	return []Check{
		{
			ID: IssuerKnown, Category: CategoryIssuer, Stage: Before, Needs: []ID{KubernetesAnswers}, Title: "the cluster names its service account issuer",
			Run: func(ctx context.Context, f *Facts) Finding {
				cluster, err := f.Issuer(ctx)
				return judgeIssuer(f.Setup.Join.Issuer, cluster, err)
			},
		},
		{
			ID: IssuerSigns, Category: CategoryIssuer, Stage: Before, Needs: []ID{IssuerKnown}, Title: "the key that signs tokens is among the published ones", ProvedBy: JoinProven,
			Run: func(ctx context.Context, f *Facts) Finding {
				cluster, err := f.Issuer(ctx)
				if err != nil {
					return unknown(err)
				}
				public, err := f.Public(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgeSigningKey(cluster, public)
			},
		},
		{
			ID: IssuerPublic, Category: CategoryIssuer, Stage: Before, Needs: []ID{IssuerKnown}, Title: "it is known whether Teleport can read the issuer",
			Run: func(ctx context.Context, f *Facts) Finding {
				public, err := f.Public(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgePublic(public)
			},
		},
		{
			ID: IssuerChoice, Category: CategoryIssuer, Stage: Before, Needs: []ID{IssuerKnown, TeleportAnswers}, Title: "a join type fits both clusters",
			Run: func(ctx context.Context, f *Facts) Finding {
				choice, err := f.Choice(ctx)
				if err != nil {
					return failed(err, "")
				}
				return judgeChoice(choice)
			},
		},
	}
}

// judgeIssuer lets a cluster pass with a warning that publishes nothing but whose tokens name their issuer.
func judgeIssuer(asked string, cluster issuer.Cluster, err error) Finding {
	switch {
	case err != nil && cluster.Issuer == "":
		return failed(err, "")
	case asked != "" && asked != cluster.Issuer:
		return Finding{
			Status: Fail, Observed: spec.Quote(cluster.Issuer) + ", from " + cluster.From, Expected: spec.Quote(asked) + ", as the answers say",
			Fix: "the answers may belong to another cluster; see --context, or leave the issuer out of them",
		}
	case err != nil:
		return Finding{Status: Warn, Observed: spec.Quote(cluster.Issuer) + ", from " + cluster.From + "; " + err.Error()}
	}
	return passed(spec.Quote(cluster.Issuer) + ", from " + cluster.From)
}

// judgeSigningKey looks for the key of a really minted token in what the API server and the issuer publish (field-notes P03).
func judgeSigningKey(cluster issuer.Cluster, public issuer.PublicResult) Finding {
	if cluster.SigningKeyID == "" {
		err := cluster.MintErr
		if err == nil {
			err = fmt.Errorf("the minted token names no key")
		}
		return Finding{Status: Unknown, Observed: "no token could be had to look at: " + err.Error(), Err: err}
	}
	inCluster := cluster.Keys.Has(cluster.SigningKeyID)
	inPublic := public.Keys.Has(cluster.SigningKeyID)
	switch {
	case inCluster || inPublic:
		return passed("key " + spec.Quote(cluster.SigningKeyID))
	case cluster.KeysErr != nil:
		return Finding{Status: Unknown, Observed: "the cluster's keys could not be read: " + cluster.KeysErr.Error(), Err: cluster.KeysErr}
	}
	return Finding{
		Status: Fail, Observed: "the API server publishes " + list(cluster.Keys.IDs()) + ", the issuer " + list(public.Keys.IDs()), Expected: "key " + spec.Quote(cluster.SigningKeyID),
		Fix: "wait for a rotation of the keys to end and run again",
	}
}

// judgePublic passes either way: not being public is a property, not a fault, and the join type follows it.
func judgePublic(public issuer.PublicResult) Finding {
	switch {
	case public.Reachable:
		return passed("public, seen from " + public.SeenFrom)
	case public.Kind == issuer.FailureNone, public.Kind == issuer.FailureCancelled:
		return Finding{Status: Unknown, Observed: public.Why(), Err: public.Err}
	}
	return passed("not public: " + public.Why())
}

func judgeChoice(choice issuer.Choice) Finding {
	finding := passed(string(choice.Type))
	if len(choice.Warnings) > 0 {
		finding.Status = Warn
		finding.Observed += "; " + strings.Join(choice.Warnings, "; ")
	}
	return finding
}

func list(ids []string) string {
	if len(ids) == 0 {
		return "no key"
	}
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = spec.Quote(id)
	}
	return strings.Join(quoted, ", ")
}
