package cmd

import (
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/gravitational/teleport/api"
	"github.com/spf13/cobra"
)

// versionDocument is `version -o json`.
type versionDocument struct {
	SchemaVersion int    `json:"schemaVersion"`
	Version       string `json:"version"`
	Commit        string `json:"commit"`
	Date          string `json:"date"`
	Go            string `json:"go"`
	Platform      string `json:"platform"`
	TeleportAPI   string `json:"teleportAPI"`
	// Servers are the Teleport releases that the embedded runtime proves outputs on.
	Servers string `json:"servers"`
}

func newVersion(f *Factory) *cobra.Command {
	output := formatTable
	c := &cobra.Command{
		Use:   "version",
		Short: "Say which tbotctl this is and which Teleport servers it knows",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			return runVersion(f, output)
		},
	}
	c.Flags().VarP(&output, "output", "o", "result on stdout: table or json")
	return c
}

func runVersion(f *Factory, output format) error {
	document := versionDocument{
		SchemaVersion: 1, Version: f.Build.Version, Commit: f.Build.Commit, Date: f.Build.Date,
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, TeleportAPI: api.Version, Servers: "17 to 18; join alone from 16",
	}
	if output == formatJSON {
		encoder := json.NewEncoder(f.Streams.Out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(document)
	}
	text := "tbotctl " + document.Version
	if document.Commit != "" {
		text += " (" + document.Commit + ", " + document.Date + ")"
	}
	_, err := fmt.Fprintf(f.Streams.Out, "%s\n%s %s\nTeleport API %s; proves outputs on Teleport %s\n", text, document.Go, document.Platform, document.TeleportAPI, document.Servers)
	return err
}
