package tbotconfig

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// fragmentKeys are those of tbot.yaml that a fragment may have. All others follow from the answers, or are the Deployment's.
func fragmentKeys() []string {
	return []string{"outputs", "services", "credential_ttl", "certificate_ttl", "renewal_interval", "leeway", "debug"}
}

// JudgeFragment says what is wrong with the fragment of tbot.yaml in a Setup, each with its line; nil where there is none. What a release of
// tbot does not know is judged where the image is known. The error is *spec.Invalid.
func JudgeFragment(s spec.Setup) error {
	_, problems := merged(s)
	if len(problems) == 0 {
		return nil
	}
	texts := make([]string, 0, len(problems))
	for _, problem := range problems {
		texts = append(texts, problem.String())
	}
	return &spec.Invalid{Fields: []spec.FieldError{{Flag: "tbot-config", Problem: strings.Join(texts, "; ")}}}
}

// merged is the configuration with the fragment, where there is one and nothing is wrong with it.
func merged(s spec.Setup) (Config, []Problem) {
	own := Own(s)
	if s.Output.Fragment == "" {
		return own, nil
	}
	version := s.Workload.TbotVersion
	if s.Resolved != nil && s.Resolved.Image != "" {
		version = s.Resolved.ImageVersion()
	}
	read, problems := readFragment(s.Output.Fragment, version)
	if len(problems) == 0 {
		problems = unwritable(s, own, read)
	}
	if len(problems) > 0 {
		return own, problems
	}
	config := own.with(read)
	return config, beside(own.problems(), config.problems())
}

// problems are what Validate says.
func (c Config) problems() []Problem {
	var invalid *Invalid
	if errors.As(c.Validate(), &invalid) {
		return invalid.Problems
	}
	return nil
}

// beside leaves those of the problems that were not there before: answers that are still to be given are no fault of a fragment.
func beside(before, problems []Problem) []Problem {
	return slices.DeleteFunc(problems, func(p Problem) bool { return slices.Contains(before, p) })
}

// readFragment reads a fragment strictly. What a whole file lacks is no problem of it: those stand on no line.
func readFragment(text, version string) (*file, []Problem) {
	read, err := decode([]byte(text))
	if err != nil {
		problem := unreadable(err)
		problem.Text = strings.Replace(problem.Text, "tbot.yaml", "the fragment", 1)
		return nil, []Problem{problem}
	}
	l := linter{file: read}
	if release := canonical(version); release != "" {
		l.gates(release)
		l.values(release)
	}
	problems := slices.DeleteFunc(slices.Concat(read.problems, l.found), func(p Problem) bool { return p.Line == 0 || p.Warning })
	for _, key := range slices.Sorted(maps.Keys(read.lines)) {
		if !strings.ContainsAny(key, ".[") && !slices.Contains(fragmentKeys(), key) && !slices.ContainsFunc(problems, func(p Problem) bool { return p.Path == key }) {
			problems = append(problems, Problem{
				Line: read.lines[key], Path: key, Text: "it follows from the answers; a fragment has " + strings.Join(fragmentKeys(), ", "),
			})
		}
	}
	return read, inOrder(problems)
}

// unwritable holds the fragment's outputs to what tbot may write: a Secret of its own namespace, which its Role then names, and each once.
func unwritable(s spec.Setup, own Config, read *file) []Problem {
	var problems []Problem
	bad := func(i int, format string, args ...any) {
		path := read.paths[i]
		problems = append(problems, Problem{Line: read.line(path), Path: path, Text: fmt.Sprintf(format, args...)})
	}
	taken := map[string]bool{}
	for _, name := range own.Secrets() {
		taken[name] = true
	}
	for i, output := range read.config.Outputs {
		to, has := DestinationOf(output)
		switch {
		case !s.HasOutput():
			bad(i, "--access none has no output")
		case !has || to.Type != DestinationSecret:
		case to.Namespace != "":
			bad(i, "tbot gets no right to write into namespace %s; leave namespace out, for its own", spec.Quote(to.Namespace))
		case s.Access == spec.AccessArgoCD:
			bad(i, "with --access argocd tbot may write Argo CD's Secrets and no others; make a second installation for it")
		case taken[to.Name]:
			bad(i, "Secret %s is another output's already", spec.Quote(to.Name))
		}
		taken[to.Name] = has && to.Type == DestinationSecret || taken[to.Name]
	}
	return problems
}

// with adds the outputs of a fragment behind those that are there, and puts its lifetimes in their place.
func (c Config) with(read *file) Config {
	f := read.config
	c.Outputs, c.services = slices.Concat(c.Outputs, f.Outputs), f.services
	c.CredentialTTL = cmp.Or(f.CredentialTTL, c.CredentialTTL)
	c.RenewalInterval = cmp.Or(f.RenewalInterval, c.RenewalInterval)
	c.Leeway = cmp.Or(f.Leeway, c.Leeway)
	c.Debug = c.Debug || f.Debug
	return c
}
