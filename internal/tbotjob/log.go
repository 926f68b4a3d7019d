package tbotjob

import (
	"context"
	"time"

	"github.com/tbotctl/tbotctl/internal/tbotlog"
)

// restAfter is how long the rest of a log may take once tbot has ended.
const restAfter = 5 * time.Second

// logLines is how much of the log is read again where following it broke off.
const logLines = 2000

// log is tbot's, as far as it was followed.
type log struct {
	// following gives the end of it, once; nil before it begins and after that.
	following chan error
	begun     bool
	reader    tbotlog.Reader
	account   tbotlog.Account
	// settled says that account is all of it.
	settled bool
}

// follow reads the log beside the looks, once, from the container's beginning.
func (w *watch) follow(ctx context.Context) {
	if w.log.begun {
		return
	}
	w.log.begun, w.log.following = true, make(chan error, 1)
	pod, container, following := w.pod.Name, w.containerName(), w.log.following
	go func() {
		following <- w.Kubernetes.FollowLogs(ctx, w.job.Namespace, pod, container, func(line string) {
			w.log.reader.Line(line)
			if w.Follow != nil {
				w.Follow(line)
			}
		})
	}()
}

// followed takes the end of the log. Where that came before tbot's own end, it is not all of it, whatever the stream says.
func (w *watch) followed(err error) {
	w.log.following = nil
	if !w.log.settled {
		w.log.account, w.log.settled = w.log.reader.Account(), err == nil && w.code != nil
	}
}

// leave waits for the goroutine that follows the log, whose context has ended.
func (w *watch) leave() {
	if w.log.following != nil {
		w.followed(<-w.log.following)
	}
}

// silent tells that tbot failed and the log, as far as it was followed, does not say why: a stream may end with the container before
// the last line has come.
func (w *watch) silent() bool {
	return w.code != nil && *w.code != 0 && w.log.account.JoinErr == "" && w.log.account.Err == ""
}

// rest waits for what is left of the log once there is nothing more to come, and reads it again where it was not followed to its end.
func (w *watch) rest(ctx context.Context) {
	if w.log.following != nil {
		timer := time.NewTimer(restAfter)
		defer timer.Stop()
		select {
		case err := <-w.log.following:
			w.followed(err)
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if w.log.settled && !w.silent() || !w.log.begun {
		return
	}
	lines, err := w.Kubernetes.Logs(ctx, w.job.Namespace, w.pod.Name, w.containerName(), false, logLines)
	if err != nil {
		// What tbot said is a part of the answer. Its exit code is there without it.
		w.tell("the log of pod " + w.pod.Name + " could not be read: " + err.Error())
		return
	}
	w.log.account, w.log.settled = tbotlog.Read(lines), true
}

// result tells what was seen.
func (w *watch) result() Result {
	result := Result{Name: w.job.Name, Account: w.log.account}
	if w.pod != nil {
		result.Pod, result.Node = w.pod.Name, w.pod.Spec.NodeName
		for _, status := range w.pod.Status.ContainerStatuses {
			if status.Name == w.containerName() {
				result.ImageID = status.ImageID
			}
		}
	}
	if w.code != nil {
		result.Ended, result.Code = true, *w.code
	}
	result.show(w.seen)
	return result
}
