package docgen

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestLinks holds every page of the repository to its links.
func TestLinks(t *testing.T) {
	t.Parallel()
	broken, err := brokenLinks(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range broken {
		t.Error(link)
	}
}

func TestBrokenLinks(t *testing.T) {
	t.Parallel()
	broken, err := brokenLinks(fstest.MapFS{
		"README.md": {Data: []byte("[a](docs/a.md) [b](docs/b.md) [c](docs/a.md#two-words) [d](docs/a.md#three)\n" +
			"[e](https://example.com/x) [f](#no) `[g](code.md)` [h](docs) [i](main.go#L1)\n```\n[j](fence.md)\n```\n[k](after.md)\n" +
			"[`main`](main.go) [`app.run`](main.go) [`Main()`](gone.go)\n")},
		"docs/a.md":         {Data: []byte("# Two, words!\n\n<a id=\"own\"></a>\n\n[up](../README.md) [self](#own) [out](../../x.md)\n")},
		"main.go":           {Data: []byte("package main\n")},
		"testdata/note.md":  {Data: []byte("[gone](gone.md)\n")},
		"docs/nothing.text": {Data: []byte("[gone](gone.md)\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md: main.go: it does not hold app.run",
		"README.md: docs/b.md: there is no such file",
		"README.md: docs/a.md#three: there is no such anchor",
		"README.md: #no: there is no such anchor",
		"README.md: after.md: there is no such file",
		"README.md: gone.go: there is no such file",
		"docs/a.md: ../../x.md: there is no such file",
	}
	if !slices.Equal(broken, want) {
		t.Errorf("got  %q\nwant %q", broken, want)
	}
}

var (
	fence      = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
	codeSpan   = regexp.MustCompile("`[^`\n]+`")
	inlineLink = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	namedCode  = regexp.MustCompile("\\[`([^`]+)`\\]\\(([^()\\s]+\\.go)\\)")
	idAnchor   = regexp.MustCompile(`<a id="([^"]+)"></a>`)
	heading    = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	scheme     = regexp.MustCompile(`^[a-z]+:`)
)

// brokenLinks looks at every Markdown file of a tree and names each relative link that leads to no file, to no anchor of a
// Markdown file, or, where its text is a name of the code, to a Go file without that name. Other sites are not asked.
func brokenLinks(tree fs.FS) ([]string, error) {
	var broken []string
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && leftOut(entry.Name()):
			return fs.SkipDir
		case entry.IsDir(), path.Ext(name) != ".md":
			return nil
		}
		page, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		unfenced := fence.ReplaceAllString(string(page), "")
		for _, match := range namedCode.FindAllStringSubmatch(unfenced, -1) {
			if problem := mentions(tree, path.Join(path.Dir(name), match[2]), match[1]); problem != "" {
				broken = append(broken, fmt.Sprintf("%s: %s: %s", name, match[2], problem))
			}
		}
		prose := codeSpan.ReplaceAllString(unfenced, "")
		for _, match := range inlineLink.FindAllStringSubmatch(prose, -1) {
			if problem := follow(tree, name, match[1]); problem != "" {
				broken = append(broken, fmt.Sprintf("%s: %s: %s", name, match[1], problem))
			}
		}
		return nil
	})
	return broken, err
}

// mentions says what is wrong with a link of the form [`name`](file.go): the file has to hold that name, without its package.
func mentions(tree fs.FS, file, name string) string {
	content, err := fs.ReadFile(tree, file)
	if err != nil {
		return "" // that the file is missing is said once, by follow
	}
	bare := strings.TrimSuffix(name[strings.LastIndex(name, ".")+1:], "()")
	if !regexp.MustCompile(`\b` + regexp.QuoteMeta(bare) + `\b`).Match(content) {
		return "it does not hold " + name
	}
	return ""
}

// leftOut are folders with no pages of ours: what is built, what is recorded, and Git's own.
func leftOut(folder string) bool {
	return folder == "bin" || folder == "dist" || folder == "testdata" || folder == ".git"
}

// follow says what is wrong with a link, or nothing.
func follow(tree fs.FS, page, link string) string {
	if scheme.MatchString(link) {
		return ""
	}
	target, fragment, _ := strings.Cut(link, "#")
	if target == "" {
		target = page
	} else {
		target = path.Join(path.Dir(page), target)
	}
	if _, err := fs.Stat(tree, target); err != nil {
		return "there is no such file"
	}
	if fragment == "" || path.Ext(target) != ".md" {
		return ""
	}
	content, err := fs.ReadFile(tree, target)
	if err != nil {
		return err.Error()
	}
	if !anchors(string(content))[fragment] {
		return "there is no such anchor"
	}
	return ""
}

// anchors are the ids of a page and the slugs of its headings, as GitHub makes them.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, match := range idAnchor.FindAllStringSubmatch(page, -1) {
		found[match[1]] = true
	}
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		slug := notInSlug.ReplaceAllString(strings.ToLower(match[1]), "")
		found[strings.ReplaceAll(slug, " ", "-")] = true
	}
	return found
}
