package cmd

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/report"
)

// evidence looks whether an unchanged setup works, without making, minting or writing anything: the Deployment is ready, and the
// certificate that it wrote is the bot's, of this cluster, with these roles, and valid. Where it says no, the join is proven anew.
func (r *initRun) evidence(ctx context.Context) (*proof.Result, error) {
	n := r.setup.Names()
	seen, err := r.clusters.kube.Rollout(ctx, n.Namespace, n.Deployment)
	if err != nil {
		return nil, err
	}
	if !seen.Ready {
		return nil, errors.New("the Deployment is not ready")
	}
	found := &proof.Result{
		Outcome: proof.Outcome{User: "bot-" + n.Bot, Via: report.ViaEvidence},
		From:    fmt.Sprintf("Deployment %s/%s, which is ready", n.Namespace, n.Deployment),
	}
	if n.OutputSecret == "" {
		return found, nil
	}
	text, err := r.clusters.kube.SecretValue(ctx, n.Namespace, n.OutputSecret, "tlscert")
	if err != nil {
		return nil, err
	}
	certificate, err := readCertificate(text)
	if err != nil {
		return nil, fmt.Errorf("the output in Secret %s/%s: %w", n.Namespace, n.OutputSecret, err)
	}
	if err := r.judgeCertificate(certificate, r.clusters.clock()); err != nil {
		return nil, err
	}
	found.NotAfter = certificate.NotAfter
	found.From += fmt.Sprintf(", and its certificate in Secret %s/%s", n.Namespace, n.OutputSecret)
	found.Outputs = []proof.Output{{
		Type: "identity", Destination: "Secret " + n.OutputSecret, Roles: certificate.Subject.Organization, NotAfter: certificate.NotAfter,
	}}
	return found, nil
}

func readCertificate(text []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it holds no certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

// judgeCertificate holds the certificate to what was asked for (teleport-facts 2.8).
func (r *initRun) judgeCertificate(c *x509.Certificate, now time.Time) error {
	roles := slices.Clone(r.setup.Teleport.Roles)
	carried := slices.Clone(c.Subject.Organization)
	slices.Sort(roles)
	slices.Sort(carried)
	switch {
	case c.Subject.CommonName != "bot-"+r.setup.Teleport.BotName:
		return fmt.Errorf("the certificate is %s's", c.Subject.CommonName)
	case !slices.Contains(c.Issuer.Organization, r.setup.Resolved.ClusterName):
		return fmt.Errorf("the certificate was issued by cluster %v", c.Issuer.Organization)
	case now.After(c.NotAfter):
		return fmt.Errorf("the certificate ended at %s", c.NotAfter.UTC().Format(time.RFC3339))
	case !slices.Equal(roles, carried):
		return fmt.Errorf("the certificate carries the roles %v", carried)
	}
	return nil
}
