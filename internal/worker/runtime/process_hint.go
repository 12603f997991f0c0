package runtime

import (
	"errors"
	"regexp"

	"github.com/jobrunner-dev/jobrunner/bullmq"
	"github.com/jobrunner-dev/jobrunner/internal/worker/sandbox"
)

// How the languages say that they were refused a socket or a file. Without
// sockets, the first to fail is often the look-up of a name.
var (
	networkRefused = regexp.MustCompile(`EAI_AGAIN|EAI_FAIL|ENOTFOUND|[nN]ame resolution|[cC]ould not resolve host|fetch failed|` +
		`(?:connect|bind|listen|send|socket)\w*:? (?:EACCES|permission denied)|\[Errno 13\] Permission denied(?:$|\n|>)`)
	fileRefused = regexp.MustCompile(`EACCES|[pP]ermission denied`)
)

// withHint adds to a handler's error that its policy is the likely cause, which
// the error itself cannot know.
func withHint(p sandbox.Policy, err error) error {
	failed, ok := errors.AsType[*bullmq.NamedError](err)
	if !ok {
		return err
	}
	switch said := failed.Message + "\n" + failed.Stack; {
	case !p.Network && networkRefused.MatchString(said):
		failed.Message += " (the handler was not granted the network)"
	case !p.AllFiles && fileRefused.MatchString(said):
		failed.Message += " (the handler reaches only files that it was granted)"
	}
	return err
}
