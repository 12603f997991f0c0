// Package identity gives what a job sends or adds a name that is the same at
// every attempt of the job, so that others can tell a repetition from something new.
package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/jobrunner-dev/jobrunner/handler"
)

// Of returns 32 hexadecimal digits that follow from the job and belong to no
// other one, also not to a later one that was given the same id.
func Of(job *handler.Job) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{
		job.Prefix, job.Queue, job.ID, strconv.FormatInt(job.Timestamp.UnixMilli(), 10),
	}, "\n")))
	return hex.EncodeToString(sum[:16])
}
