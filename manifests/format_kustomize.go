package manifests

import (
	"path"
	"strings"
)

// kustomizationOf lists files of one folder in their order, so that the folder is applied whole and overlays can stand on it.
func kustomizationOf(files []File) File {
	text := `# The manifests beside this file, in the order to apply. An overlay that changes the namespace or the name of the service account locks
# tbot out: the join token allows this one and no other.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
`
	var lines strings.Builder
	for _, file := range files {
		lines.WriteString("  - " + path.Base(file.Path) + "\n")
	}
	return File{Path: KustomizationFile, Data: []byte(text + lines.String())}
}
