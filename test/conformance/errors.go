package conformance

import (
	"errors"
	"regexp"
	"strings"

	"github.com/jobrunner-dev/jobrunner/bullmq"
)

// conditions pairs what npm bullmq says with this engine's error for the same.
// Messages that are not listed must be equal word for word.
var conditions = []struct {
	message *regexp.Regexp
	err     error
}{
	{regexp.MustCompile(`^Missing key for job `), bullmq.ErrJobNotFound},
	{regexp.MustCompile(`^Missing lock for job `), bullmq.ErrLockMissing},
	{regexp.MustCompile(`^Job .* is not in the .* state\. `), bullmq.ErrNotInState},
	{regexp.MustCompile(`^Job .* has pending dependencies\. `), bullmq.ErrPendingDependencies},
	{regexp.MustCompile(`^Missing key for parent job `), bullmq.ErrParentNotFound},
	{regexp.MustCompile(`^Lock mismatch for job `), bullmq.ErrLockMismatch},
	{regexp.MustCompile(`^The parent job .* cannot be replaced\. `), bullmq.ErrParentReplaced},
	{regexp.MustCompile(`^Job .* belongs to a job scheduler and cannot be removed directly\. `), bullmq.ErrJobBelongsToScheduler},
	{regexp.MustCompile(`^Cannot complete job .* because it has at least one failed child\. `), bullmq.ErrFailedChildren},
	{regexp.MustCompile(`^Cannot create job scheduler iteration - `), bullmq.ErrSchedulerSlotTaken},
	{regexp.MustCompile(` could not be removed because it is locked by another worker$`), bullmq.ErrJobLocked},
	{regexp.MustCompile(`^Cannot obliterate non-paused queue$`), bullmq.ErrQueueNotPaused},
	{regexp.MustCompile(`^Cannot obliterate queue with active jobs$`), bullmq.ErrQueueActive},
}

// badCron matches what either engine says of a pattern or zone that it cannot read.
var badCron = regexp.MustCompile(`^(Invalid characters, |Constraint error, |CronDate: |Invalid cron |invalid cron pattern |unknown time zone )`)

// nodeCondition names what npm bullmq's message says.
func nodeCondition(message string) string {
	for _, c := range conditions {
		if c.message.MatchString(message) {
			return c.err.Error()
		}
	}
	return neutral(message)
}

// goCondition names what this engine's error says.
func goCondition(err error) string {
	for _, c := range conditions {
		if errors.Is(err, c.err) {
			return c.err.Error()
		}
	}
	if refused, ok := errors.AsType[*bullmq.ValidationError](err); ok {
		// What was refused while its JSON was read names the option as well.
		return neutral(strings.TrimPrefix(refused.Message, refused.Field+": "))
	}
	return neutral(err.Error())
}

func neutral(message string) string {
	if badCron.MatchString(message) {
		return "the cron pattern cannot be read"
	}
	return message
}
