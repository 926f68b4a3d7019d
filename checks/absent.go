package checks

import "context"

// NotFound is the result of a search that came to no tbot: because there is none, or because of err.
func NotFound(namespace string, err error) Result {
	for _, check := range liveWorkloadChecks() {
		if check.ID != TbotInstalled {
			continue
		}
		if err != nil {
			return Result{Check: check, Finding: unknown(err)}
		}
		return Result{Check: check, Finding: judgeInstalled(namespace, Workload{})}
	}
	return Result{}
}

// LoginAtHand judges the login that there is.
func LoginAtHand(ctx context.Context, f *Facts) Finding {
	login, err := f.Login(ctx)
	if err != nil {
		return failed(err, "")
	}
	return judgeLogin(login, login.Now)
}
