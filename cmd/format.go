package cmd

import (
	"github.com/tbotctl/tbotctl/internal/spec"
)

// format is how a result is written to stdout.
type format string

const (
	formatTable format = "table"
	formatJSON  format = "json"
)

func (f *format) String() string { return string(*f) }
func (f *format) Type() string   { return "table|json" }

func (f *format) Set(v string) error {
	switch format(v) {
	case formatTable, formatJSON:
		*f = format(v)
		return nil
	}
	return usagef("%s is not known; use table or json", spec.Quote(v))
}
