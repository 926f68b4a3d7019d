package tbotconfig

import (
	"strings"

	"golang.org/x/mod/semver"
)

// span is the releases of tbot that have something. The zero value is all of them.
type span struct {
	// since holds the first release on each branch that got it, oldest first: v17.7.4 and v18.1.7 for what was carried back into 17. A
	// newer major version than the last has it from its start, an older one than the first never.
	since []string
	// gone is the first release without it.
	gone string
	// about is for a release that is known by its date alone: within that major version nothing is certain.
	about bool
}

// having is what a span says of one release.
type having int

const (
	has having = iota
	perhaps
	notYet
	noLonger
)

// of judges a release, which is vX.Y.Z.
func (s span) of(release string) having {
	if s.gone != "" && semver.Compare(release, s.gone) >= 0 {
		return noLonger
	}
	for _, first := range s.since {
		switch {
		case semver.Major(release) != semver.Major(first):
		case semver.Compare(release, first) >= 0:
			return has
		case s.about:
			return perhaps
		default:
			return notYet
		}
	}
	if len(s.since) == 0 || semver.Compare(release, s.since[len(s.since)-1]) > 0 {
		return has
	}
	return notYet
}

// first words since: "17.7.4, 18.1.7 and newer".
func (s span) first() string {
	releases := make([]string, 0, len(s.since))
	for _, first := range s.since {
		releases = append(releases, bare(first))
	}
	text := strings.Join(releases, ", ") + " and newer"
	if s.about {
		return "about " + text
	}
	return text
}

// bare is a release as people write it. -0 sorts before every pre-release and is ours alone.
func bare(release string) string { return strings.TrimSuffix(strings.TrimPrefix(release, "v"), "-0") }

// canonical is vX.Y.Z of what somebody typed; empty where that is no release.
func canonical(version string) string {
	v := "v" + strings.TrimPrefix(version, "v")
	if strings.Count(strings.SplitN(v, "-", 2)[0], ".") != 2 {
		return ""
	}
	return semver.Canonical(v)
}
