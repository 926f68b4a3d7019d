package cmd

import (
	"errors"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// runLint judges the tbot.yaml of --config; it asks nobody.
func runLint(o *verifyOptions) error {
	data, err := o.readConfig()
	if err != nil {
		return err
	}
	_, problems := tbotconfig.Lint(data, o.forServer)
	lint := report.Lint{File: o.config, ForServer: o.forServer, Problems: problems}
	tell := lint.Table
	if o.output == formatJSON {
		tell = lint.JSON
	}
	told := tell(o.factory.Streams.Out)
	if n := lint.Errors(); n > 0 {
		return errors.Join(&toldError{&findingError{text: fmt.Sprintf("%d problems", n)}}, told)
	}
	return told
}
