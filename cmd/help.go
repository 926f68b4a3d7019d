package cmd

import "github.com/spf13/cobra"

// helpExitCodes is a page, not a command: cobra shows one without a Run under "Additional help topics".
func helpExitCodes() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: `Exit codes, the same for every output format:

    0  fine
    1  tbotctl failed, or a server cannot be reached
    2  bad usage, missing answers (also a missing --yes), an invalid setup,
       a kubeconfig file or context that does not exist
    3  a check failed, the join was refused, a right is missing, an object belongs
       to somebody else, or the rollout was not ready in time
    4  not logged in where the command cannot do without: credentials refused,
       expired or absent
    5  nothing wrong was seen, but a required look was impossible
  130  cancelled or declined

Codes are only ever added to.`,
	}
}

func helpEnvironment() *cobra.Command {
	return &cobra.Command{
		Use:   "environment",
		Short: "Which environment variables are read",
		Long: `Every flag has an environment variable: TBOTCTL_ and the flag's name in capitals, with _ for -.
TBOTCTL_BOT_NAME is --bot-name. Not so for the flags that a person has to type each time:
--yes, --insecure, --overwrite, --take-over, --force-conflicts, --purge-outputs and --from.

Also read:
  KUBECONFIG               kubeconfig files, as kubectl does
  TELEPORT_PROXY           --proxy
  TELEPORT_IDENTITY_FILE   --identity
  TELEPORT_HOME            where tsh keeps its profiles; default ~/.tsh
  HTTPS_PROXY, NO_PROXY    on the way to both clusters, not on the way to the issuer
  NO_COLOR, CLICOLOR_FORCE, TERM=dumb
                           colour on the terminal

Precedence: flag, TBOTCTL_ variable, Teleport's own variable, --from file, tsh profile, default.
Where the environment overrides an answer of the file, tbotctl says so.`,
	}
}
