package cmd

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func newThumbprints(f *Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "thumbprints",
		Short: "Print the thumbprints of a cluster's keys, to compare with a request",
		Long: `Read a JSON Web Key Set, as a Kubernetes API server publishes it, from stdin, and print the RFC 7638 SHA-256 thumbprint of each of
its keys with its kid, sorted by kid. Whoever grants a request for a join is shown the same thumbprints, so two people can
compare keys without either seeing the other's cluster. No cluster and no network is touched.`,
		Example: `  kubectl --context prod get --raw /openid/v1/jwks | tbotctl thumbprints`,
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return runThumbprints(f) },
	}
}

func runThumbprints(f *Factory) error {
	text, err := spec.Read(f.Streams.In)
	if err != nil {
		return err
	}
	keys, _, err := issuer.ParseJWKS(string(text))
	if err != nil {
		return usagef("stdin: %w; it wants what `kubectl get --raw /openid/v1/jwks` prints", err)
	}
	var lines bytes.Buffer
	for i, print := range issuer.Thumbprints(keys) {
		fmt.Fprintf(&lines, "%s  %s\n", print, spec.Quote(keys[i].KeyID))
	}
	if _, err := f.Streams.Out.Write(lines.Bytes()); err != nil {
		return fmt.Errorf("writing the thumbprints: %w", err)
	}
	return nil
}
