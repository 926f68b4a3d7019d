package testkit

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// kubectlPatience bounds one command: kubectl itself waits for ever for an answer, and nothing that tests ask of it takes that long.
const kubectlPatience = time.Minute

// Kubectl runs the real kubectl as a cluster administrator (an own --kubeconfig among args wins), for a minute at most. stdin may be nil.
// The error of a failed command holds what kubectl said.
func (c *ControlPlane) Kubectl(ctx context.Context, stdin io.Reader, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, kubectlPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(c.assets, "kubectl"), args...)
	cmd.Env = append(childEnv(c.dir), "KUBECONFIG="+c.KubeconfigFile())
	cmd.Stdin = stdin
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return out.String(), errOut.String(), fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errOut.String()))
	}
	return out.String(), errOut.String(), nil
}
